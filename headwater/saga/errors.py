"""What can go wrong with a saga. All of it is raised before anything is written, or ends the transaction."""


class SagaError(Exception):
    """A saga can't go on as asked."""


class SagaExistsError(SagaError):
    """A saga of that name and id was started before."""

    def __init__(self, saga: str, saga_id: str) -> None:
        super().__init__(f"saga {saga} {saga_id!r} was started already")


class UnknownSagaError(SagaError):
    """No saga of that name and id is stored."""

    def __init__(self, saga: str, saga_id: str) -> None:
        super().__init__(f"there is no saga {saga} {saga_id!r}")


class SagaConflictError(SagaError):
    """Another transaction changed the saga meanwhile: roll back and try again, as an inbox does by itself."""

    def __init__(self, saga: str, saga_id: str) -> None:
        super().__init__(f"saga {saga} {saga_id!r} was changed by another transaction: try again")


class SagaDataError(SagaError):
    """What is stored of a saga doesn't fit its definition: a step was renamed, or the data's class has changed."""
