"""The pages in a real browser: a text and a chat message there and back, and that everybody can use the pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.running_house import RunningHouse

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
FINDINGS = (Path(__file__).parent / "findings.js").read_text()
QUESTION = "How much is a drain cleaning?"
ANSWERED = re.compile(r"Answered after \d+\.\d{3} s")


def test_a_text_from_the_sandbox_phone_is_answered_with_its_steps_on_record(operator: Page) -> None:
    operator.goto("/sandbox")
    expect(operator.get_by_text("No texts yet.")).to_be_visible()

    operator.get_by_role("button", name=QUESTION).click()
    texts = operator.locator(".message")
    expect(texts.nth(1)).to_contain_text("$149")
    expect(texts).to_have_count(2)
    expect(texts.nth(0)).to_contain_text(QUESTION)

    operator.reload()
    expect(texts).to_have_count(2)
    texts.nth(0).get_by_role("link", name="Steps on record").click()
    expect(operator.get_by_role("heading", level=1)).to_have_text(ANSWERED)
    expect(operator.locator("#journey[data-finished=true]")).to_be_visible()
    expect(operator.locator(".step")).not_to_have_count(0)

    # Another phone has texts of its own.
    operator.goto("/sandbox")
    operator.get_by_label("This phone's number").fill("+15005550042")
    operator.get_by_label("This phone's number").press("Tab")
    expect(operator.get_by_text("No texts yet.")).to_be_visible()
    operator.get_by_label("This phone's number").fill("nobody")
    operator.get_by_label("This phone's number").press("Tab")
    expect(operator.get_by_role("alert")).to_contain_text("can't be connected")


def test_a_visitor_leaves_a_number_by_keyboard_alone(page: Page) -> None:
    page.goto("/demo/chat")
    opener = page.get_by_role("button", name="Leave your number")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Leave your number")
    expect(dialog.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Leave a telephone number or an e-mail address")
    expect(dialog.get_by_label("Telephone number")).to_be_focused()
    page.keyboard.type("212 555 0142")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Thank you. Your number was taken down")).to_be_visible()
    expect(opener).to_be_focused()

    opener.click()
    expect(dialog.get_by_label("Your name")).to_have_value("")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_chat_message_is_answered_whatever_is_in_the_way(page: Page) -> None:
    page.goto("/demo/chat")
    messages = page.locator(".message")
    expect(messages).to_have_text([re.compile("Ask me about our services")])
    field = page.get_by_label("Your message")
    field.fill("When are you open on Saturday?")
    field.press("Enter")
    expect(messages.nth(2)).to_contain_text("9 am to 2 pm")

    page.reload()
    expect(messages).to_have_count(3)
    expect(messages.nth(1)).to_contain_text("When are you open on Saturday?")

    # A message that does not get through can be sent again, and comes in once.
    chat = re.compile("/api/widget/chat/")
    page.route(chat, lambda route: route.abort())
    field.fill(QUESTION)
    field.press("Enter")
    expect(messages.nth(3)).to_contain_text("Not sent: no connection.")
    page.unroute(chat)

    # Where events are blocked, the page asks.
    events = re.compile("/api/widget/events/")
    page.route(events, refuse_streams)
    page.reload()
    expect(messages).to_have_count(3)
    field.fill(QUESTION)
    field.press("Enter")
    expect(messages.nth(4)).to_contain_text("$149")
    expect(messages).to_have_count(5)

    page.get_by_role("button", name="Begin a new conversation").click()
    expect(messages).to_have_count(1)


HIDDEN_COLUMNS = "[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length"
"""How many tables show not all of their columns in this window."""


def refuse_streams(route: Route) -> None:
    if "&wait=" in route.request.url:
        route.continue_()
    else:
        route.fulfill(status=200, content_type="text/html", body="<p>No streams here.</p>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(
    operator: Page,
    context: BrowserContext,
    house: RunningHouse,
    scheme: Any,  # noqa: ANN401  playwright's literal
) -> None:
    operator.emulate_media(color_scheme=scheme)
    operator.set_viewport_size({"width": 320, "height": 640})
    operator.goto("/sandbox")

    # By keyboard alone: to the text, write, send, and on to the steps.
    expect(operator.locator("#state")).to_have_text("+15005550001")
    count = operator.locator(".message").count()
    operator.get_by_label("Text", exact=True).focus()
    operator.keyboard.type(QUESTION)
    operator.keyboard.press("Enter")
    expect(operator.locator(".message")).to_have_count(count + 2)
    operator.keyboard.press("Shift+Tab")
    operator.keyboard.press("Enter")
    operator.wait_for_url("**/dashboard/journeys/*")
    address = operator.url

    for path in (
        "/sandbox",
        "/dashboard/sandbox/mail",
        "/demo/chat",
        address,
        "/dashboard/journeys",
        f"/dashboard/journeys/{uuid4()}",
    ):
        operator.goto(path)
        operator.wait_for_load_state("load")
        assert operator.evaluate(FINDINGS) == [], path
        assert operator.evaluate(HIDDEN_COLUMNS) == 0, path
    assert {cookie["httpOnly"] for cookie in context.cookies(house.url)} == {True}
