// Puts what the console uses of npm's packages into ../static/vendor: Codex's tokens and CSS-only components in one file, and htmx.
// Codex is GPL-2.0-or-later, htmx 0BSD; both fit our GPL-3.0-or-later, and LICENCES.txt says so beside them.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const modules = new URL('node_modules/', import.meta.url);
const vendor = new URL('../static/vendor/', import.meta.url);
const COMPONENTS = ['CdxButton', 'CdxTextInput', 'CdxTextArea', 'CdxSelect'];

const read = (name) => readFileSync(new URL(name, modules), 'utf8');
const version = (name) => JSON.parse(read(`${name}/package.json`)).version;
const licence = (name) => JSON.parse(read(`${name}/package.json`)).license;
// Comments and spaces that mean nothing. Strings with several spaces or comments do not occur in these files.
const small = (css) => css.replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' ').replace(/\s*([{};,])\s*/g, '$1').replace(/;}/g, '}');

const light = small(read('@wikimedia/codex-design-tokens/dist/theme-wikimedia-ui-root.css'));
const dark = small(read('@wikimedia/codex-design-tokens/dist/theme-wikimedia-ui-mode-dark.css'));
const components = COMPONENTS.map((name) => small(read(`@wikimedia/codex/dist/modules/${name}.css`)));
const note = `/* Codex ${version('@wikimedia/codex')}, ${licence('@wikimedia/codex')}: see LICENCES.txt */\n`;

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
writeFileSync(new URL('codex.css', vendor), `${note}${light}\n@media (prefers-color-scheme:dark){${dark}}\n${components.join('\n')}\n`);
writeFileSync(new URL('htmx.min.js', vendor), read('htmx.org/dist/htmx.min.js'));
writeFileSync(
  new URL('LICENCES.txt', vendor),
  ['@wikimedia/codex', '@wikimedia/codex-design-tokens', 'htmx.org']
    .map((name) => `${name} ${version(name)}, ${licence(name)}\n\n${read(`${name}/LICENSE`).trim()}\n`)
    .join('\n----\n\n'),
);
