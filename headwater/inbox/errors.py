"""What can go wrong on the consumer's side."""


class InboxError(Exception):
    """Messages can't be handled, and trying again won't help: says the cause and what to do."""


class AutocommitError(InboxError):
    """The connection commits every statement by itself: the message's id would stay though its handler failed."""

    def __init__(self) -> None:
        super().__init__(
            "the connection is in autocommit mode, so a message would count as handled even if its handler fails: "
            "give the inbox connections that begin transactions"
        )


class RejectedMessageError(Exception):
    """A handler's way to say that trying again won't help: the message goes to the dead letter topic at once."""


class HandlerError(InboxError):
    """A message could not be handled, and there is no dead letter topic to put it in."""

    def __init__(self, place: str, attempts: int, error: BaseException) -> None:
        super().__init__(
            f"the message {place} could not be handled, tried {attempts} times: {type(error).__name__}: {error}; mend "
            "the handler and start again (the message is read again), or set dead_letters to let such messages go"
        )
