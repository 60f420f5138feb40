"""Every error that tsbot raises, in one tree.

::

    TsbotError
    ├── InputError             what a person typed cannot be used
    ├── SettingsError          the configuration is wrong
    │   ├── MessageError           a message of a letter is wrong or missing; names file and key
    │   └── DirectoryError         a file of the directory of help is wrong; names file and entry
    ├── KeyFileError           the master key is missing, unreadable or not the one that encrypted the data
    ├── StreamError
    │   ├── MalformedEventError    one event cannot be understood (it goes to the dead letters)
    │   └── StreamUnavailableError the stream cannot be reached now (retried)
    ├── WikiError
    │   ├── UnknownWikiError       no such wiki in the configured families
    │   ├── WikiUnavailableError   the wiki does not answer now (retried)
    │   └── WikiRefusedError       the wiki answered, and will not answer otherwise
    ├── StoreError
    │   ├── StoreBusyError         the database is locked (retried)
    │   │   └── StoreConflictError     two processes wrote the same at once (retried)
    │   ├── StoreFullError         the disk is full (retried, loudly)
    │   ├── LeaseLostError         another process does by now what this one did
    │   └── SchemaError            the database has another schema than this program
    ├── BusError               the broker cannot be used as the settings say
    │   └── BusUnavailableError    the broker does not answer now (retried)
    ├── DetectError
    │   ├── ModelError             a model file is missing, damaged or of another format
    │   └── PackError              a language pack is wrong; names file and line or entry
    ├── ReportError
    │   ├── AcknowledgementError   a letter cannot be acknowledged (so)
    │   ├── LetterError            a letter cannot be written from what is known
    │   ├── KeyUnusableError       a recipient's OpenPGP key cannot be encrypted to
    │   ├── DeliveryDeferredError  not delivered now (retried)
    │   └── DeliveryRefusedError   never deliverable this way (a person must look)
    ├── CaseError              an act on a case cannot be done
    │   ├── TransitionError        a case of this state cannot go there
    │   ├── CaseChangedError       somebody acted on the case since it was read
    │   ├── CaseTakenError         somebody else works on the case
    │   ├── PartyError             who acts is a party to the case
    │   └── ApprovalNeededError    a second person must approve first
    ├── HideError
    │   └── CriteriaError          a file of criteria or reasons for hiding is wrong; names file and entry
    ├── ConsoleError           a request to the console cannot be answered as asked
    │   ├── SignInNeededError      nobody is signed in, or the session has ended
    │   ├── SignInFailedError      the wiki did not sign somebody in
    │   ├── ForbiddenError         whoever is signed in may not do this
    │   ├── RightsUnknownError     the wiki does not say what somebody may do (so: nothing)
    │   ├── ForgedError            a form or token is not one of ours, or is not valid any more
    │   ├── TooManyError           too many requests in a short time
    │   └── RestNeededError        somebody has read much, and should rest
    ├── ReceptionError         what a person sends us cannot be taken (so)
    └── DemoError              the demo wikis cannot be set up or a demo step failed

Messages say what happened, what it means and what to do. They never carry text of revisions, comments or user names:
messages end up in logs.
"""


class TsbotError(Exception):
    """Base of all errors that tsbot raises on purpose."""


class StoppedError(TsbotError):
    """Somebody asked to stop; what was done is stored."""


class InputError(TsbotError):
    """What a person typed cannot be used."""


class DumpError(TsbotError):
    """A file of a dump is damaged, or is none."""


class SettingsError(TsbotError):
    """The configuration is wrong; the message names file, key and remedy."""


class MessageError(SettingsError):
    """A message of a letter is wrong or missing; the message names the file and the key."""


class DirectoryError(SettingsError):
    """A file of the directory of help is wrong; the message names the file and the entry."""


class KeyFileError(TsbotError):
    """The master key is missing, unreadable, or not the key that encrypted the data."""


class StreamError(TsbotError):
    """Something about reading events."""


class MalformedEventError(StreamError):
    """One event cannot be understood.

    ``reason`` is a short machine-readable name (``not_json``, ``no_wiki`` ...) under which it is counted.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StreamUnavailableError(StreamError):
    """The stream cannot be reached now. ``retry_after`` is what the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class WikiError(TsbotError):
    """Something about talking to a wiki."""


class UnknownWikiError(WikiError):
    """No wiki of this database name is known."""


class WikiUnavailableError(WikiError):
    """The wiki does not answer usably now. ``retry_after`` is what it asked for, in seconds.

    ``maybe_done`` tells that the request left us and no answer says what became of it: a read can be repeated, a
    letter cannot.
    """

    def __init__(self, message: str, retry_after: float | None = None, *, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.maybe_done = maybe_done


class WikiRefusedError(WikiError):
    """The wiki answered with an error that asking again will not change. ``code`` is the API's own."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StoreError(TsbotError):
    """Something about the database."""


class StoreBusyError(StoreError):
    """The database is locked by somebody else; the work is kept and tried again."""


class StoreConflictError(StoreBusyError):
    """Two processes wrote the same row at once; tried again, one of them finds what the other wrote."""


class StoreFullError(StoreError):
    """The disk or the database is full; nothing is acknowledged until there is room."""


class LeaseLostError(StoreError):
    """Another process does by now what only one may do at a time."""


class SchemaError(StoreError):
    """The database has another schema than this program."""


class BackupError(StoreError):
    """A backup cannot be made, read or restored."""


class BusError(TsbotError):
    """The broker cannot be used as the settings say."""


class BusUnavailableError(BusError):
    """The broker does not answer now; what is to be told it is in the database, and told later."""


class DetectError(TsbotError):
    """Something about judging texts."""


class ModelError(DetectError):
    """A model file is missing, damaged or of another format version."""


class PackError(DetectError):
    """A language pack is wrong; the message names the file and the entry."""


class ReportError(TsbotError):
    """Something about reports."""


class AcknowledgementError(ReportError):
    """A letter cannot be acknowledged (so). ``reason`` is a short machine-readable name (``not_sent``, ``page`` ...)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LetterError(ReportError):
    """A letter cannot be written from what is known."""


class KeyUnusableError(ReportError):
    """A recipient's OpenPGP key cannot be encrypted to now; the message is the reason in a few words, nothing of the key."""


class DeliveryDeferredError(ReportError):
    """A message was not delivered now and is tried again. ``retry_after`` is what the other side asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryRefusedError(ReportError):
    """A message will never be delivered this way; a person must look."""


class CaseError(TsbotError):
    """An act on a case cannot be done."""


class TransitionError(CaseError):
    """A case of this state cannot go there, or not by whoever tried."""


class CaseChangedError(CaseError):
    """Somebody acted on the case since it was read; the message says who and what."""


class CaseTakenError(CaseError):
    """Somebody else works on the case."""


class PartyError(CaseError):
    """Who acts is the author or the target of what the case is about."""


class ApprovalNeededError(CaseError):
    """A second person must approve the act first. The request stands in ``approval`` if the transaction is committed."""


class HideError(TsbotError):
    """Something about hide suggestions."""


class CriteriaError(HideError):
    """A file of criteria or reasons for hiding is wrong; the message names the file and the entry."""


class ConsoleError(TsbotError):
    """A request to the console cannot be answered as asked."""


class SignInNeededError(ConsoleError):
    """Nobody is signed in, or the session has ended."""


class SignInFailedError(ConsoleError):
    """The wiki did not sign somebody in: wrong password, refused, or it does not answer."""


class ForbiddenError(ConsoleError):
    """Whoever is signed in may not do this; also said of what does not exist, so that nobody learns what does."""


class RightsUnknownError(ConsoleError):
    """The wiki does not say now what somebody may do, so they may do nothing."""


class ForgedError(ConsoleError):
    """A form or token is not one of ours, or is not valid any more."""


class TooManyError(ConsoleError):
    """Too many requests in a short time. ``wait`` is in seconds."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class AnswerGoneError(ConsoleError):
    """An answer to a trace is not kept any more, or is another person's."""


class RestNeededError(ConsoleError):
    """Somebody has read as much as is good for them, or in a row. ``again`` is when they may go on, in seconds since the epoch."""

    def __init__(self, message: str, again: float, *, resting: bool) -> None:
        super().__init__(message)
        self.again = again
        self.resting = resting


class ReceptionError(TsbotError):
    """What a person sends us cannot be taken, or not so. ``reason`` is the key of the message that tells them, in their language."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DemoError(TsbotError):
    """The demo's wikis cannot be set up, or a step of the demo failed."""
