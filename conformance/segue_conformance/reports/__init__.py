"""Reports: each is made from one `Report` and from nothing else."""

__all__: list[str] = []
