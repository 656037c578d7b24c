"""The JupyterLab extension of Alphintra, prebuilt; this package only says where its bundle lies."""


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Name the bundle and the extension it is installed as."""
    return [{"src": "labextension", "dest": "@alphintra/lab"}]
