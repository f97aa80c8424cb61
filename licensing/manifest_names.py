"""The names of package manifests, and the form in which each of them states a licence.

In: a path with `/`. Out: a form that `manifests.py` has a reader for, or None. Two look-ups.
"""

# Manifests, by the form in which they state a licence; manifests.py has a reader for each.
_FORMS_TEXT = {
    "json": "package.json bower.json component.json haxelib.json deno.json jsr.json vcpkg.json dub.json "
    "codemeta.json elm.json manifest.json",
    "json-choice": "composer.json",
    "perl-json": "meta.json",
    "cargo": "cargo.toml",
    "python": "pyproject.toml",
    "toml": "fpm.toml typst.toml gleam.toml",
    "fields": "setup.cfg",
    "message": "pkg-info",
    "r": "description",
    "xml": "pom.xml package.xml ivy.xml info.xml",
    "perl": "meta.yml",
    "yaml": "package.yaml shard.yml meta.yaml recipe.yaml galaxy.yml snapcraft.yaml citation.cff publiccode.yml",
    "code": "setup.py metadata.rb mix.exs meson.build project.clj dist.ini makefile.pl build.pl conanfile.py "
    "dune-project pkgbuild apkbuild build.gradle build.gradle.kts dub.sdl description.in",
    "sbt": "build.sbt",
}
_FORM_OF_NAME = {name: form for form, names in _FORMS_TEXT.items() for name in names.split()}
_FORM_OF_EXTENSION = {
    "gemspec": "code", "podspec": "code", "cabal": "yaml", "nimble": "code", "rockspec": "code", "opam": "code",
    "spec": "yaml", "nuspec": "xml", "csproj": "xml", "fsproj": "xml", "vbproj": "xml", "ebuild": "code",
}  # fmt: skip


def manifest_form(path: str) -> str | None:
    """The form of a package manifest, or None for a file that is none.

    >>> [manifest_form(p) for p in ("a/package.json", "x.gemspec", "x-1.dist-info/METADATA", "main.py")]
    ['json', 'code', 'message', None]
    """
    folder, _, name = path.rpartition("/")
    lower = name.lower()
    if lower == "metadata":
        return "message" if folder.lower().endswith((".dist-info", ".egg-info")) else None
    # R and the bare files of other systems are told apart by their capitals.
    if lower in ("description", "pkgbuild", "apkbuild") and name != name.upper():
        return None
    return _FORM_OF_NAME.get(lower) or _FORM_OF_EXTENSION.get(lower.rpartition(".")[2] if "." in lower else "")
