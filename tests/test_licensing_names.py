"""Names of licence files and of folders with other people's code."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.licensing.names import is_vendored_path, license_role

_ROOM_TEXT = """
conclude documents expressions heads lookalikes manifest_lines names others permissions policy reading scan
statements time_limit
"""
ROOM = tuple(_ROOM_TEXT.split())


@pytest.mark.parametrize("name", ROOM)
def test_docstring_examples_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"gleanery.licensing.{name}"))
    assert result.failed == 0


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (
            "license",
            "LICENSE license LICENSE.txt Licence.md LICENSE-MIT LICENSE.APACHE2 LICENSE-2.0.txt COPYING COPYING.LESSER "
            "UNLICENSE COPYRIGHT MIT-LICENSE GPL gpl-3.0.txt GPL-2 EULA.txt legal.md LICENSES/MIT.txt "
            "licenses/Foo a/b/license.rst pro/LICENSE.pdf License.rtf EULA.PDF LICENSE.json COPYING.yml LICENSE.docx "
            "LIZENZ LICENCIA.txt TERMS.txt TERMS_OF_USE.md UNLICENSED PROPRIETARY.txt",
        ),
        (
            "notice",
            "NOTICE NOTICE.txt notices.md LICENSE.nanosvg LICENSE-3rdparty third-party-licenses.txt "
            "ThirdPartyNotices.txt THIRD_PARTY_LICENSES 3rdpartylicenses.md LICENSES_bundled.txt "
            "ENTERPRISE_LICENSE.txt BUSL-LICENSE mylib-license.txt license-ee.md LicenseAgreement.txt LICENSING.md "
            "END-USER-LICENSE-AGREEMENT.md gpl-3.0.md mit.md license-checker.md jquery-LICENSE.txt",
        ),
        (
            "readme",
            "README readme.md README.zh.md docs/Readme.rst licenses/README.md README_EN.md readme-first.md "
            "COMMERCIAL.md terms.md Terms.html terms-of-use.md LICENSE.php USE_POLICY.md ai.txt",
        ),
        (
            "metadata",
            "PKG-INFO package.json pyproject.toml setup.cfg Cargo.toml a.gemspec composer.json pom.xml "
            "x-1.dist-info/METADATA",
        ),
        (
            None,
            "third_party_licenses.py license.py license.json res/layout/license.xml ci/licenses.yml "
            "spdx_licenses.json site/terms.md readmission.md driving-license.pdf docs/license.pdf "
            "license_test.go LicenseHeader.java agreement.py "
            "licenses/check.go METADATA apache.txt src/main.c src/license.php "
            "LICENSES/a/b.c",
        ),
    ],
)
def test_each_name_has_its_role(role: str | None, paths: str) -> None:
    assert {p: license_role(p) for p in paths.split()} == dict.fromkeys(paths.split(), role)


def test_a_part_of_a_folder_cannot_grant_a_licence_to_the_folder() -> None:
    assert license_role("src/LICENSE.nanosvg") == "notice" and license_role("js/jquery-LICENSE.txt") == "notice"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("vendor/a.c", "vendor"),
        ("a/third_party/b/c.c", "a/third_party"),
        ("node_modules/a/node_modules/b/c.js", "node_modules/a/node_modules"),
        ("Vendor/a.php", "Vendor"),
        ("ios/Pods/a.m", "ios/Pods"),
        ("src/external/a.c", "src/external"),
        ("Runtime/External/a.cs", None),
        ("builder/src/Deps/Bump.hs", None),
        ("vendor.c", None),
        ("web/packages/Frob.Core.1.2.3/lib/net40/a.xml", "web/packages/Frob.Core.1.2.3"),
        ("packages/Frob.2.0.0-beta1/tools/init.ps1", "packages/Frob.2.0.0-beta1"),
        ("packages/frob/src/a.ts", None),
        ("packages/v1.2/a.ts", None),
        ("src/Frob.1.2.3/a.c", None),
        ("src/vendoring/a.c", None),
        ("", None),
    ],
)
def test_the_innermost_vendored_folder_is_found(path: str, folder: str | None) -> None:
    assert is_vendored_path(path) == folder


@given(st.text(max_size=300))
def test_any_path_has_an_answer(path: str) -> None:
    assert license_role(path) in (None, "license", "notice", "readme", "metadata")
    folder = is_vendored_path(path)
    assert folder is None or path.startswith(f"{folder}/")


def test_long_paths_are_read_to_their_end() -> None:
    # A reader of quadratic time would take hours here.
    for path in ("a" * 1_000_000, "LICENSE" * 100_000, "-." * 500_000, "vendor/" * 100_000, "license-" * 100_000):
        assert license_role(path) is None
        folder = is_vendored_path(path)
        assert folder is None or path.startswith(f"{folder}/")
