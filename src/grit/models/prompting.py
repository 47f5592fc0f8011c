"""Making a prompt from a sample, in training and evaluation, as the method requires."""

from dataclasses import dataclass

from grit.data.samples import Sample
from grit.grounding.prompts import BOX_TAGS_SUFFIX, GRIT_SUFFIX, icl_example, user_text
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt


@dataclass(frozen=True)
class Prompting:
    """What follows the question: nothing, GRIT's suffix, or the suffix and a worked example."""

    suffix: bool = True
    example: bool = False

    def text(self, question: str, adapter: Adapter) -> str:
        """The text of the user's turn."""
        example = icl_example(adapter.example_style) if self.example else ""
        is_released = adapter.prompt_form == "released" and adapter.example_style == "internvl"
        wording = BOX_TAGS_SUFFIX if self.example and is_released else GRIT_SUFFIX
        return user_text(question, suffix=self.suffix, example=example, wording=wording)

    def encode(self, sample: Sample, adapter: Adapter) -> EncodedPrompt:
        """The encoded prompt; loads the sample's picture."""
        text, image = self.text(sample.question, adapter), sample.picture.load()
        key, question = sample.picture.key, sample.question
        return adapter.encode(sample.id, text, image, picture=key, literal=question)
