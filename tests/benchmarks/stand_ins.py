"""Scripts that stand in for commands which this machine need not have."""

import stat


def write(path, text):
    """Write an executable script."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
