"""What ``/metrics`` says, before and after."""

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families


class Counted:
    """What has been counted since.

    Args:
        text: What ``/metrics`` answered; what the registry of this process has, where there is no server.
    """

    def __init__(self, text=None):
        self._before = self._read(text)

    @staticmethod
    def _read(text):
        families = REGISTRY.collect() if text is None else text_string_to_metric_families(text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith("alphintra_") and not sample.name.endswith(("_created", "_bucket"))
        }

    def since(self, *beginnings, text=None):
        """Tell what has grown: by name and values of labels, of names that begin so."""
        grown = {key: value - self._before.get(key, 0.0) for key, value in self._read(text).items()}
        return {
            " ".join([name.removeprefix("alphintra_"), *(value for _, value in sorted(labels))]): more
            for (name, labels), more in grown.items()
            if more and name.startswith(tuple(f"alphintra_{beginning}" for beginning in beginnings))
        }
