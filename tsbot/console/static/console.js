// What the console adds to pages that work without it: single keys, the countdown of a lease, a live queue that stays still under the hand.
(() => {
  'use strict';
  const body = document.body;
  const keys = JSON.parse(body.dataset.keys || '{}');
  const typing = (node) => node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName)
    || (node.tagName === 'INPUT' && !/^(checkbox|radio|button|submit)$/.test(node.type));

  const rows = () => [...document.querySelectorAll('[data-row]')];
  const current = () => rows().find((row) => row.contains(document.activeElement)) || null;
  const visible = (node) => node.getClientRects().length > 0 || node.closest('details:not([open])');

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    const target = next.querySelector('a') && next.tagName === 'TR' ? next.querySelector('a') : next;
    target.focus();
    next.scrollIntoView({ block: 'nearest' });
  }

  function act(name) {
    if (name === 'next' || name === 'previous') return move(name === 'next' ? 1 : -1);
    const row = current();
    if (name === 'open' && row && row.tagName === 'TR') return row.querySelector('a').click();
    const scope = row && row.querySelector(`[data-act="${name}"]`) ? row : document;
    const found = [...scope.querySelectorAll(`[data-act="${name}"]`)].find(visible);
    if (!found) return undefined;
    const folded = found.closest('details:not([open])');
    if (/^(TEXTAREA|SELECT)$/.test(found.tagName)) {
      if (folded) folded.open = true;
      found.focus();
    } else {
      found.click();
    }
    return undefined;
  }

  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
    if (event.key === 'Escape' && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    const name = keys[event.key] || keys[event.key.toLowerCase()];
    if (!name) return;
    event.preventDefault();
    act(name);
  });

  // A lease: how long it lasts, and a sign of life while somebody is at the page.
  let alive = Date.now();
  for (const sort of ['keydown', 'pointermove', 'scroll']) document.addEventListener(sort, () => { alive = Date.now(); }, { passive: true });
  for (const node of document.querySelectorAll('.countdown')) {
    let end = Date.now() + Number(node.dataset.left) * 1000;
    const tick = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      node.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    };
    tick();
    setInterval(tick, 1000);
    setInterval(async () => {
      if (document.hidden || Date.now() - alive > 120000) return;
      const answer = await fetch(node.dataset.beat, { method: 'POST', body: new URLSearchParams({ csrf: node.dataset.csrf }) }).catch(() => null);
      if (answer && answer.ok) end = Date.now() + (await answer.json()).left * 1000;
    }, 60000);
  }

  // Texts to copy: the buttons need a script, so they are hidden without one.
  const copies = (root) => { for (const node of root.querySelectorAll('[data-copy]')) node.hidden = false; };
  copies(document);
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const text = document.getElementById(button.dataset.copy);
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      document.execCommand('copy');
    }
    button.textContent = button.dataset.said;
  });

  for (const node of document.querySelectorAll('[data-vanish]')) setTimeout(() => { node.hidden = true; }, Number(node.dataset.vanish) * 1000);

  // The queue changes by itself only where no hand is on it; otherwise the notice stays, and the reader decides.
  document.addEventListener('queue-changed', () => {
    const queue = document.getElementById('queue');
    if (!queue || queue.matches(':hover') || queue.contains(document.activeElement)) return;
    window.htmx.ajax('GET', location.href, { target: '#queue', select: '#queue', swap: 'outerHTML' });
  });

  document.addEventListener('htmx:afterSwap', (event) => {
    copies(document);
    if (event.detail.target.id !== 'revealed') return;
    const shown = event.detail.target.querySelector('.revealed, #problem');
    if (shown) {
      shown.tabIndex = -1;
      shown.focus();
    }
  });
})();
