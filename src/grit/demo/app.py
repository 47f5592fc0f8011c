"""The demo's web application: a page of ours, and gradio's queue behind it."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from grit.core.errors import GritError
from grit.demo.asked_model import LONGEST_QUESTION, TEMPLATES, AskedModel, answer_html
from grit.demo.doorkeeper import SCENES, UPLOAD, App, Doorkeeper
from grit.demo.settings import DemoSettings
from grit.demo.shelf import Shelf
from grit.demo.visitor_pictures import VisitorPicture, scene, uploaded
from grit.inference.grounded_model import GroundedModel
from grit.pages.pages import fragment, page

_PICTURES = 32  # of all visitors together


@contextmanager
def application(
    models: Sequence[GroundedModel], settings: DemoSettings, *, seed: int
) -> Iterator[App]:
    """The application, while it is needed.

    Args:
        models: one, or two that are asked the same.
        settings: limits.
        seed: of the scene that the page begins with.
    """
    with TemporaryDirectory(prefix="grit-demo-") as scratch:
        # Gradio reads these when it is imported; it makes a folder, and gets nothing to put there.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=scratch)
        yield asyncio.run(_application(models, settings, seed))


async def _application(models: Sequence[GroundedModel], settings: DemoSettings, seed: int) -> App:
    """A coroutine: where no event loop runs, gradio makes one for each lock and closes none."""
    from fastapi import FastAPI, Request
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import HTMLResponse, JSONResponse
    from gradio import mount_gradio_app

    pictures: Shelf[VisitorPicture] = Shelf(_PICTURES)
    index = _index(models, settings, seed)
    app = FastAPI(openapi_url=None)

    @app.get("/")
    def _page() -> HTMLResponse:
        return HTMLResponse(index)

    @app.get("/scene/{seed}")
    def _scene(seed: int) -> JSONResponse:
        return JSONResponse(_put(pictures, scene(seed)))

    @app.post(UPLOAD)
    async def _upload(request: Request) -> JSONResponse:
        content = await request.body()
        try:
            picture = await run_in_threadpool(uploaded, content)
        except GritError as error:
            return JSONResponse({"problem": str(error)}, 400)
        return JSONResponse(_put(pictures, picture))

    blocks = _queue([AskedModel(model, pictures, settings.time_limit_s) for model in models])
    blocks.queue(max_size=settings.queue)
    mount_gradio_app(app, blocks, "", show_error=False, footer_links=[], run_history=False)
    return Doorkeeper(app, max_upload_mb=settings.max_upload_mb, time_limit_s=settings.time_limit_s)


def _queue(models: Sequence[AskedModel]) -> Any:
    """Gradio's queue over the models: each answers one question at a time."""
    from gradio import Blocks, api

    with Blocks(analytics_enabled=False) as blocks:
        for number, model in enumerate(models, start=1):
            one_at_a_time = {"concurrency_limit": 1, "concurrency_id": f"model_{number}"}
            api(model.ask, api_name=f"ask_{number}", **one_at_a_time)
            api(model.look, api_name=f"look_{number}", **one_at_a_time)
    return blocks


def _index(models: Sequence[GroundedModel], settings: DemoSettings, seed: int) -> str:
    return page(
        "demo.html.jinja",
        room=TEMPLATES,
        names=[model.name for model in models],
        seed=seed % SCENES,
        longest=LONGEST_QUESTION,
        max_upload_mb=settings.max_upload_mb,
    )


def _put(pictures: Shelf[VisitorPicture], picture: VisitorPicture) -> dict[str, Any]:
    """Keep a picture; what the page needs of it."""
    key = pictures.put(picture)
    return {
        "picture": key,
        "store": fragment("store.html.jinja", room=TEMPLATES, key=f"p{key}", shown=picture.shown),
        "html": answer_html(key, picture, None),
        "question": picture.question,
    }
