"""The model card of an exported model: what it is, how it was made, what it can do.

The head is in the Hub's format, with the results as its ``model-index``. Paths of this machine are
shortened, and keys hidden.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from grit.config.schema import Config
from grit.config.stored import stored_config
from grit.core.secrets import redacted
from grit.figures.markdown_format import rows_markdown
from grit.figures.places import without_places
from grit.figures.table import Table
from grit.grounding.boxes import SpaceName
from grit.inference.card_program import card_program
from grit.inference.settings import ExportSettings
from grit.inference.sources import Source, run_of
from grit.models.hub import licence_of
from grit.models.names import TINY
from grit.models.settings import ModelSettings
from grit.models.tiny import shipped_folder, tiny_family
from grit.pages.comparison import outcome_table
from grit.runs.finished import FinishedRun
from grit.runs.judging import judging_note
from grit.runs.measured import Measured
from grit.runs.results import Results, read_results
from grit.runs.run_record import CONFIG, RECORD, RESULTS, read_record
from grit.runs.shown_metrics import definitions, shown_metrics

SUITE = "https://arxiv.org/abs/2505.15879"
_SPACES: dict[SpaceName, str] = {
    "resized": "in pixels of the image as the processor resizes it",
    "normalized_1000": "from 0 to 1000 across and down the image",
    "original": "in pixels of the image",
}
_TAGS = ("visual-grounding", "vision-language", "reasoning")
_BUILT_IN = "## What is built in"


@dataclass(frozen=True)
class Card:
    """What the card says."""

    config: Config
    base: str | None  # Hub id
    is_adapter: bool
    space: SpaceName  # in which it writes boxes
    licence: Mapping[str, str]  # the fields of the base's card
    title: str
    not_by_vllm: bool = False  # an adapter of which vLLM leaves a part out
    lora_in_vision: bool = False
    prompt: tuple[str, str] | None = None  # around the text, where it is not the chat template's
    trained: Config | None = None  # of the run that trained it; None: made elsewhere
    record: Mapping[str, Any] = field(default_factory=dict)  # of that run
    results: Results | None = None
    outcome: Table | None = None
    built_in: str = ""  # of a tiny model's base

    @classmethod
    def of(
        cls,
        source: Source,
        settings: ExportSettings,
        base: str | None,
        *,
        is_adapter: bool,
        space: SpaceName,
    ) -> "Card":
        """The card of a model; results only where they are those of these very weights."""
        model = source.config.model
        found: dict[str, Any] = {}
        run = None if source.checkpoint is None else run_of(source.checkpoint.path)
        # An evaluation's settings and record say nothing of how the weights were made.
        if run is not None and (trained := stored_config(run / CONFIG)).task == "train":
            found |= {"trained": trained, "record": read_record(run / RECORD)}
        if source.run is not None and source.is_evaluated and (source.run / RESULTS).exists():
            found |= _results(FinishedRun.read(source.run))
        if model.path.startswith(TINY):
            found["built_in"] = _built_in(model.path.removeprefix(TINY))
        return cls(
            config=source.config,
            base=base,
            is_adapter=is_adapter,
            space=space,
            licence=_licence(settings, base, model.revision, tiny=model.path.startswith(TINY)),
            title=_title(source, found.get("trained")),
            **found,
        )


def model_card(card: Card) -> str:
    """The text of ``README.md``."""
    parts = [f"---\n{_head(card).to_yaml()}\n---", f"# {card.title}", *_body(card)]
    return redacted(without_places("\n\n".join(parts))) + "\n"


def _title(source: Source, trained: Config | None) -> str:
    """Model, method and data of the training run; without a run, the model's name alone."""
    if trained is None:
        return replace(source, run=None).name
    method = "GRIT" if trained.method.name == "grit" else trained.method.name
    return f"{trained.model.name}, trained with {method} on {trained.data.name}"


def _head(card: Card) -> ModelCardData:
    fields: dict[str, Any] = dict(card.licence)
    if card.base is not None:
        fields["base_model"] = card.base
        fields["base_model_relation"] = "adapter" if card.is_adapter else "finetune"
    if card.results is not None:
        fields |= {"model_name": card.title, "eval_results": list(_eval_results(card.results))}
    return ModelCardData(
        library_name="peft" if card.is_adapter else "transformers",
        pipeline_tag="image-text-to-text",
        tags=[*_tags_of_training(card.trained), *_TAGS],
        **fields,
    )


def _tags_of_training(trained: Config | None) -> Iterator[str]:
    """Tags of a training run; none without one."""
    if trained is not None:
        yield "grit"
        if trained.method.training == "grpo_gr":
            yield "grpo"


def _eval_results(results: Results) -> Iterator[EvalResult]:
    """Each metric of each set, with its interval among the arguments."""
    for name, found in results.sets.items():
        for metric in shown_metrics([results]):
            estimate = found.metrics[metric.key]
            if estimate.mean is not None:
                yield EvalResult(
                    task_type="image-text-to-text",
                    dataset_type=name,
                    dataset_name=f"{name} ({results.suite or 'suite unknown'})",
                    metric_type=metric.key,
                    metric_name=metric.title,
                    metric_value=round(estimate.mean, 4),
                    metric_args={
                        "low": estimate.low,
                        "high": estimate.high,
                        "n": estimate.n,
                        "judge": results.judge,
                    },
                )


def _body(card: Card) -> Iterator[str]:
    config = card.config
    kind = "A LoRA adapter for" if card.is_adapter else "A whole model, trained from"
    yield (
        f"{kind} {card.base or config.model.name}. Asked about an image, it reasons in text "
        f"interleaved with boxes, then answers ([GRIT]({SUITE}))."
    )
    yield "## Use"
    program = card_program(config, base=card.base if card.is_adapter else None, prompt=card.prompt)
    yield f"```python\n{program}\n```"
    form = config.model.prompt
    asked = "NAME" if form == "processor" else f'NAME, "model.prompt={form}"'
    yield (
        f"Boxes are four integers, {_SPACES[card.space]}. With the suite, "
        f"`grit.load({asked}).ask(image, question)` gives them in pixels of the image."
    )
    if card.is_adapter and card.not_by_vllm:
        yield (
            "vLLM would leave the part of this adapter in the vision tower out: serve the merged "
            "weights (`task=export export.weights=merged`)."
        )
    elif card.is_adapter:
        yield (
            "vLLM takes the base's settings beside an adapter, a penalty of repetitions too: "
            f"serve it with `{_vllm_options(config.model, lora_in_vision=card.lora_in_vision)}`."
        )
    if card.trained is not None:
        yield "## Training"
        yield "\n".join(f"- {line}" for line in _training(card, card.trained))
    if card.outcome is not None and card.results is not None:
        yield "## Results"
        yield "Means with 95% bootstrap intervals over questions."
        yield rows_markdown(card.outcome)
        notes = [judging_note([card.results]), *definitions([card.results])]
        yield " ".join(filter(None, notes))
    if card.built_in:
        yield _BUILT_IN
        yield card.built_in
    yield "## Licence"
    yield _licence_text(card)


def _vllm_options(model: ModelSettings, *, lora_in_vision: bool) -> str:
    """What vLLM has to be told where it serves the base with an adapter."""
    options = ["--generation-config vllm"]
    if model.image:
        options.append(f"--mm-processor-kwargs '{json.dumps(dict(model.image))}'")
    if lora_in_vision:
        options.append("--enable-tower-connector-lora")
    return " ".join(options)


def _training(card: Card, config: Config) -> Iterator[str]:
    record, results = card.record, card.results
    trained_on = f"data: `{config.data.name}`"
    if results is not None and results.triplets:
        trained_on += f", {results.triplets} image-question-answer triplets"
    yield trained_on
    annotation = record.get("annotation")
    if annotation == "answers":
        yield "annotation: the answers alone; no annotated box was seen"
    elif annotation:
        yield f"annotation: {annotation}"
    reward = f", reward `{config.reward.name}`" if config.method.training == "grpo_gr" else ""
    judged = f"judge `{config.judge.label}`, seed {config.seed}"
    yield f"method: `{config.method.name}`{reward}, {judged}"
    if "command" in record:
        yield f"command: `{record['command']}`"
    if record.get("git"):
        yield f"code: commit {record['git']}"
    versions = record.get("versions")
    if isinstance(versions, Mapping):
        yield "with " + ", ".join(f"{name} {version}" for name, version in versions.items())


def _licence(
    settings: ExportSettings, base: str | None, revision: str | None, *, tiny: bool
) -> dict[str, str]:
    if settings.licence is not None:
        return {"license": settings.licence}
    if tiny:
        return {"license": "mit"}  # of this package, which brings the base
    return (base is not None and licence_of(base, revision)) or {"license": "unknown"}


def _licence_text(card: Card) -> str:
    name = card.licence.get("license_name") or card.licence["license"]
    if name == "unknown":
        return "That of the base model, which could not be read: see the base's own card."
    link = card.licence.get("license_link")
    return f"That of the base model: {name}{f' ({link})' if link else ''}."


def _results(run: FinishedRun) -> dict[str, Any]:
    former = run.folder / "results.before.json"
    before = Measured(read_results(former), run.rows("before")) if former.exists() else None
    outcome = outcome_table(before, Measured(run.results, run.rows()), intervals=True)
    return {"results": run.results, "outcome": outcome}


def _built_in(name: str) -> str:
    """The section of the shipped model's own card."""
    text = (shipped_folder(tiny_family(name)) / "MODEL_CARD.md").read_text(encoding="utf-8")
    return text.partition(_BUILT_IN)[2].partition("\n## ")[0].strip()
