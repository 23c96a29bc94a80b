"""The operators' page about SMS gateways says what the code does: variables, addresses, the example table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.notify.cloud.settings import AliyunSettings, HttpSettings, TencentSettings
from services.notify.cloud.templates import Filled, Templates
from tests.architecture.source import ROOT
from tests.docs import tables
from tests.notify.cloud.made import aliyun, kannel, outbound, tencent

PAGE = (ROOT / "docs" / "sms-gateways.md").read_text("utf-8")
KINDS = [("aliyun", AliyunSettings), ("tencent", TencentSettings), ("http", HttpSettings)]


@pytest.mark.parametrize(("mark", "settings"), KINDS)
def test_its_tables_are_what_the_code_reads(mark: str, settings: type[BaseSettings]) -> None:
    found = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert tables.gateway(settings) == found[1]


def test_it_names_every_address_that_is_called_back(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    for gateway in (aliyun(nowhere, tmp_path), tencent(nowhere, tmp_path), kannel(nowhere)):
        for route in gateway.routes().routes:
            address = "/gateways" + getattr(route, "path", "").replace("{secret}", "SECRET")
            assert address in PAGE


def test_its_example_of_a_table_can_be_used(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(elsewhere.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "templates.toml"
    path.write_text(example, "utf-8")
    message = outbound(
        template="routed", params={"petition": "P1", "why": "", "body": "物业", "phone": "12345"}
    )
    assert isinstance(Templates("aliyun", path, longest=35).fill(message), Filled)
