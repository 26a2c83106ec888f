"""A laboratory of network namespaces for end-to-end and interop tests; README.md is the tour."""

from .laboratory import Lab
from .netns import Namespace
from .process import CommandFailed, Process, wait_until

__all__ = ["CommandFailed", "Lab", "Namespace", "Process", "wait_until"]
