"""The public page under load: its weight, the first byte, and 100 reports a second for a minute on SQLite, each acknowledged.

    python benchmarks/reception.py
    python benchmarks/reception.py --rate 100 --seconds 60 --words 80 --mail   (longer texts, and a mail to put into the outbox for each)

It runs the real thing: uvicorn, the letterbox, the detector that comes with tsbot, a fresh database. The sender is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import numpy as np
from sqlalchemy import func, select

from tsbot.log import configure
from tsbot.reception.serve import Reception
from tsbot.settings import ReceptionSettings, Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.opening import open_store

PATIENCE = 120.0
"""Seconds that a sender waits."""
WORDS = "somebody follows me from page to page and takes back whatever I write there since last week please look".split()  # noqa: SIM905


async def post(host: str, port: int, fields: dict[str, str]) -> tuple[int, str]:
    """Send a form over a connection of its own, as browsers of so many people would. A pool of connections would be what is measured."""
    body = urlencode(fields)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = (await reader.read()).decode("utf-8", "replace")
    finally:
        writer.close()
    return int(answer[9:12] or 0), answer


async def send(url: str, rate: int, seconds: int, words: int, *, mail: bool) -> dict[str, Any]:
    """Send at an even pace, whatever the answers take."""
    took: list[float] = []
    references: set[str] = set()
    failed: Counter[str] = Counter()
    place = urlsplit(url)
    host, port = place.hostname or "", place.port or 80

    async def one(number: int) -> None:
        text = f"{' '.join(WORDS[(number + at) % len(WORDS)] for at in range(words))} {number}"
        fields = {"text": text} | ({"mail": f"person{number}@example.net"} if mail else {})
        begun = time.perf_counter()
        try:
            status, answer = await asyncio.wait_for(post(host, port, fields), PATIENCE)
            found = re.search(r"Reference: ([0-9A-Z]{4}-[0-9A-Z]{4})", answer)
            if status == 200 and found:
                references.add(found[1])
            else:
                failed[str(status)] += 1
        except (OSError, TimeoutError) as error:
            failed[type(error).__name__] += 1
        took.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    tasks = []
    for number in range(rate * seconds):
        wait = begun + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    whole = time.perf_counter() - begun
    p50, p95, most = (float(value) for value in np.percentile(took, [50, 95, 100]))
    return {"acknowledged": len(references), "failed": failed, "seconds": whole, "p50": p50, "p95": p95, "most": most}


def page(url: str) -> tuple[int, float, float]:
    """Weight of the form with all that it loads, and the first byte: median and 95 %."""
    times = []
    with httpx.Client(base_url=url, headers={"accept-language": "ar"}) as client:
        form = client.get("/")
        weight = len(form.content) + sum(len(client.get(one).content) for one in re.findall(r'(?:href|src)="(/static/[^"]+)"', form.text))
        for _ in range(200):
            begun = time.perf_counter()
            with client.stream("GET", "/") as answer:
                next(answer.iter_raw())
            times.append(time.perf_counter() - begun)
    return weight, float(np.median(times)), float(np.percentile(times, 95))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=100, help="reports a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--words", type=int, default=12, help="in each report")
    parser.add_argument("--mail", action="store_true", help="each person gives an address, and is acknowledged by mail as well")
    parser.add_argument("--send", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    configure(io.StringIO())
    if given.send:
        print(json.dumps(asyncio.run(send(given.send, given.rate, given.seconds, given.words, mail=given.mail))))
        return
    with tempfile.TemporaryDirectory() as folder:
        ours = ReceptionSettings(listen="127.0.0.1:0", reports_per_hour=10**9, tries_per_hour=10**9)
        settings = Settings(data_dir=str(Path(folder) / "data"), reception=ours)
        with closing(open_store(settings)) as store:
            reception = Reception(settings, store, None)
            reception.start()
            url = f"http://127.0.0.1:{reception.page.port}"
            while True:
                try:
                    httpx.get(url)
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            reception.reader.read("warm").result(120)
            weight, first, late = page(url)
            print(f"form: {weight:,} bytes with all that it loads; first byte {first * 1000:.1f} ms, 95 % under {late * 1000:.1f} ms")
            command = [sys.executable, __file__, "--send", url, "--rate", str(given.rate), "--seconds", str(given.seconds)]
            command += ["--words", str(given.words), *(["--mail"] if given.mail else [])]
            processor, before = time.process_time(), os.getloadavg()[0]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            processor = time.process_time() - processor
            with store.read() as connection:
                stored = connection.scalar(select(func.count()).select_from(t.hearing))
                mails = connection.scalar(select(func.count()).select_from(t.report))
            number, took = given.rate * given.seconds, told["seconds"]
            print(f"{number} reports in {took:.1f} s: {stored} stored, {told['acknowledged']} acknowledged, {mails} mails queued")
            print(f"not taken, and told so: {told['failed'] or 'none'}")
            print(f"the reception's processor time {processor:.1f} s; load {before:.1f} before, {os.getloadavg()[0]:.1f} after")
            print(f"answered after {told['p50']:.2f} s (median), {told['p95']:.2f} s (95 %), {told['most']:.2f} s at most")
            begun = time.perf_counter()
            while True:
                with store.read() as connection:
                    left = connection.scalar(select(func.count()).select_from(t.hearing).where(t.hearing.c.judged.is_(None)))
                if not left or time.perf_counter() - begun > 300:
                    break
                time.sleep(0.5)
            print(f"all of them read by the detector {time.perf_counter() - begun:.1f} s later ({left} left)")
            with store.read() as connection:
                print("the audit log holds" if audit.verify(connection) is None else "THE AUDIT LOG IS BROKEN")
            reception.close()


if __name__ == "__main__":
    main()
