"""What makes exported pages fit their policy: scripts move out, styles are hashed, handlers are refused."""

import json
from pathlib import Path

import pytest

import web_policy

EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"


def applied(tmp_path: Path, pages: dict[str, str]) -> dict[str, str]:
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    web_policy.apply(tmp_path)
    policies: dict[str, str] = json.loads((tmp_path / "csp.json").read_text())
    return policies


def test_inline_scripts_move_to_files_in_their_place_and_keep_their_attributes(tmp_path: Path) -> None:
    page = '<script src="/a.js" async=""></script><script id="_R_">self.x=1</script><script></script>'
    policies = applied(tmp_path, {"index.html": page})
    (moved,) = (tmp_path / "_next/static/inline").iterdir()
    assert moved.read_text() == "self.x=1"
    expected = (
        f'<script src="/a.js" async=""></script><script id="_R_" src="/_next/static/inline/{moved.name}"></script>'
    )
    assert (tmp_path / "index.html").read_text() == expected + "<script></script>"
    assert "script-src 'self';" in policies["/index.html"]


def test_the_admin_panel_finds_its_scripts_below_its_own_folder(tmp_path: Path) -> None:
    applied(tmp_path, {"admin/index.html": "<script>let a=1</script>"})
    (moved,) = (tmp_path / "admin/_next/static/inline").iterdir()
    assert f'src="/admin/_next/static/inline/{moved.name}"' in (tmp_path / "admin/index.html").read_text()


def test_styles_and_style_attributes_are_allowed_by_hash_alone(tmp_path: Path) -> None:
    page = '<style data-emotion="mui">a{color:red}</style><p style="width:1px;font-family:&quot;A&quot;">x</p>'
    policy = applied(tmp_path, {"index.html": page})["/index.html"]
    attribute = web_policy.hash_source('width:1px;font-family:"A"')
    assert f"style-src 'self' {' '.join(sorted([EMPTY, web_policy.hash_source('a{color:red}')]))};" in policy
    assert f"style-src-attr 'unsafe-hashes' {attribute};" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy


def test_a_page_without_style_attributes_allows_none(tmp_path: Path) -> None:
    policies = applied(tmp_path, {"index.html": "<p>x</p>", "404.html": "<p>y</p>"})
    assert "style-src-attr 'none'" in policies["/404.html"]
    assert policies["*"].startswith("default-src 'none'")


def test_text_inside_a_script_is_not_taken_for_markup(tmp_path: Path) -> None:
    page = """<script src="/a.js">"<p style='x' onclick=1>"</script><p>x</p>"""
    assert "style-src-attr 'none'" in applied(tmp_path, {"index.html": page})["/index.html"]


def test_an_event_handler_in_an_attribute_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(web_policy.UnsafePageError, match=r"index\.html"):
        applied(tmp_path, {"index.html": '<button onclick="go()">x</button>'})
