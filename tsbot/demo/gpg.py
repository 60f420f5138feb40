"""A recipient's GnuPG: makes keys of all sorts, and reads with them what was encrypted (Debian's ``gnupg``)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tsbot.errors import DemoError

AGES_AGO = "20260101T000000!"
"""A time at which keys can have been made; the exclamation mark stops gpg's clock there."""
TIMEOUT = 60.0


class Gpg:
    """One person's keys, in a folder that ends with the ``with`` block."""

    def __init__(self) -> None:
        # gpg's agent listens on a socket in this folder, and the path of a socket must be short.
        self.home = Path(tempfile.mkdtemp(prefix="tsg"))

    def __enter__(self) -> Gpg:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        subprocess.run(("gpgconf", "--homedir", str(self.home), "--kill", "all"), check=False, capture_output=True, timeout=TIMEOUT)
        shutil.rmtree(self.home, ignore_errors=True)

    def desk(self, address: str, *, expires: str = "never", subkey_expires: str = "never") -> str:
        """Make a key that can be encrypted to; its fingerprint. ``expires`` as gpg takes it: ``never``, ``1y``, ``2026-12-31``."""
        fingerprint = self.make(address, expires=expires)
        self.add_subkey(fingerprint, expires=subkey_expires)
        return fingerprint

    def make(self, address: str, algorithm: str = "ed25519", usage: str = "cert", expires: str = "never", at: str = AGES_AGO) -> str:
        """Make a key that has no subkeys; its fingerprint. Raises DemoError."""
        self._run("--quick-generate-key", f"Desk <{address}>", algorithm, usage, expires, at=at)
        return self.fingerprint(address)

    def add_subkey(
        self, fingerprint: str, *, algorithm: str = "cv25519", usage: str = "encr", expires: str = "never", at: str = AGES_AGO
    ) -> None:
        """Add a subkey to a key."""
        self._run("--quick-add-key", fingerprint, algorithm, usage, expires, at=at)

    def fingerprint(self, address: str) -> str:
        """The fingerprint of an address's key."""
        lines = self._run("--with-colons", "--list-keys", address).decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def revocation(self, fingerprint: str) -> bytes:
        """The revocation that gpg made along with a key and laid aside."""
        text = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text(encoding="utf-8")
        return text.replace(":-----BEGIN", "-----BEGIN").encode()

    def revoke(self, fingerprint: str) -> None:
        """Revoke a key."""
        self._run("--import", given=self.revocation(fingerprint))

    def revoke_first_subkey(self, fingerprint: str) -> None:
        """Revoke the first subkey of a key."""
        self._run("--command-fd", "0", "--edit-key", fingerprint, given=b"key 1\nrevkey\ny\n0\n\ny\nsave\n")

    def export(self, *names: str, armoured: bool = True, secret: bool = False) -> bytes:
        """Keys by fingerprint or address; all of them if none is named."""
        return self._run(*(("--armor",) if armoured else ()), "--export-secret-keys" if secret else "--export", *names)

    def decrypt(self, message: bytes) -> bytes:
        """What an encrypted message says. Raises DemoError if it is not for one of these keys."""
        return self._run("--decrypt", given=message)

    def _run(self, *words: str, given: bytes = b"", at: str = "") -> bytes:
        fixed = ("gpg", "--homedir", str(self.home), "--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "")
        clock = ("--faked-system-time", at) if at else ()
        try:
            done = subprocess.run((*fixed, *clock, *words), input=given, capture_output=True, check=False, timeout=TIMEOUT)
        except FileNotFoundError as error:
            raise DemoError("there is no gpg; on Debian: apt install gnupg") from error
        if done.returncode:
            raise DemoError(f"gpg {words[0]}: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout
