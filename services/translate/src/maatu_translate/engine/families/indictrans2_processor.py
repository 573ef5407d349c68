"""The toolkit's IndicProcessor, loaded alone and used from several threads.

The package IndicTransToolkit imports torch and transformers in its __init__, for its metrics and its training. Its compiled module
`processor` needs neither: it imports indicnlp (which needs pandas), sacremoses, regex and tqdm. So that module is loaded from the
package's directory, and the __init__ never runs.
"""

import sys
import threading
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

_PACKAGE = "IndicTransToolkit"
_MODULE = f"{_PACKAGE}.processor"


def _processor_class() -> Any:
    """The class IndicProcessor.

    Raises:
        ModuleNotFoundError: The toolkit is not installed, or something it needs.
    """
    package = find_spec(_PACKAGE)
    spec = package and PathFinder.find_spec(_MODULE, package.submodule_search_locations)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{_MODULE}'", name="indictranstoolkit")
    # A compiled module is made once in a process.
    if _MODULE not in sys.modules:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_MODULE] = module
    return sys.modules[_MODULE].IndicProcessor


_IndicProcessor = _processor_class()


class Processor:
    """Text as IndicTrans2 reads it, and as people do: punctuation, letters and digits normalised, words and marks set apart, Indic
    scripts turned into Devanagari; and back.

    An IndicProcessor hands placeholders from its first step to its last through a queue. A batch that takes from it in another
    order gets the placeholders of another sentence; one that takes once more than was put waits for ever. Here each thread has
    a processor of its own, and no placeholder passes through it (see indictrans2_placeholders.py). Making one takes 0.1 ms.
    """

    def __init__(self) -> None:
        self._own = threading.local()

    def prepare(self, text: str, code: str) -> str:
        """Text of a language as the model has it.

        Args:
            text: One sentence.
            code: Of its language, such as "kan_Knda".
        """
        processor = self._processor()
        processor.inference = False
        (prepared,) = processor.preprocess_batch([text], src_lang=code, is_target=True)
        return str(prepared)

    def complete(self, text: str, code: str) -> str:
        """What the model wrote as text of a language, in its script. Inverse of `prepare`, but for what that normalises."""
        processor = self._processor()
        # An empty sentence leaves an empty map of placeholders in the queue, for the step that takes one from there.
        processor.inference = True
        processor.preprocess_batch([""], src_lang="eng_Latn", is_target=True)
        (completed,) = processor.postprocess_batch([text], lang=code)
        return str(completed)

    def _processor(self) -> Any:
        if not hasattr(self._own, "processor"):
            self._own.processor = _IndicProcessor()
        return self._own.processor
