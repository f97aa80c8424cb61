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
    "yaml": "meta.yml package.yaml shard.yml galaxy.yml snapcraft.yaml",
    "yaml-choice": "citation.cff",
    "conda": "meta.yaml recipe.yaml",
    "publiccode": "publiccode.yml",
    "header": "description.in",
    "setup-py": "setup.py",
    "conan": "conanfile.py",
    "ruby": "metadata.rb",
    "mix": "mix.exs",
    "meson": "meson.build",
    "clojure": "project.clj",
    "ini": "dist.ini",
    "perl-code": "makefile.pl build.pl",
    "dune": "dune-project",
    "shell": "pkgbuild apkbuild",
    "gradle": "build.gradle build.gradle.kts",
    "sdl": "dub.sdl",
    "sbt": "build.sbt",
}
_FORM_OF_NAME = {name: form for form, names in _FORMS_TEXT.items() for name in names.split()}
_FORM_OF_EXTENSION = {
    "gemspec": "ruby", "podspec": "ruby", "cabal": "header", "nimble": "plain", "rockspec": "lua", "opam": "plain",
    "spec": "header", "nuspec": "xml", "csproj": "xml", "fsproj": "xml", "vbproj": "xml", "ebuild": "shell",
}  # fmt: skip
# Recipes, which tell how to pack the work of somebody else, and state the licence of that work.
_RECIPES = frozenset(("pkgbuild", "apkbuild", "conanfile.py", "meta.yaml", "recipe.yaml", "snapcraft.yaml"))
_RECIPE_EXTENSIONS = (".ebuild", ".spec")


def manifest_form(path: str) -> str | None:
    """The form of a package manifest, or None for a file that is none.

    >>> [manifest_form(p) for p in ("a/package.json", "x.gemspec", "x-1.dist-info/METADATA", "main.py")]
    ['json', 'ruby', 'message', None]
    """
    folder, _, name = path.rpartition("/")
    lower = name.lower()
    if lower == "metadata":
        return "message" if folder.lower().endswith((".dist-info", ".egg-info")) else None
    # R and the bare files of other systems are told apart by their capitals.
    if lower in ("description", "pkgbuild", "apkbuild") and name != name.upper():
        return None
    return _FORM_OF_NAME.get(lower) or _FORM_OF_EXTENSION.get(lower.rpartition(".")[2] if "." in lower else "")


def is_recipe(path: str) -> bool:
    """Whether a manifest is a recipe: what it states is a claim, and grants nothing to the recipe and its patches.

    >>> [is_recipe(p) for p in ("PKGBUILD", "recipes/zlib/conanfile.py", "app-1.ebuild", "setup.py")]
    [True, True, True, False]
    """
    lower = path.rpartition("/")[2].lower()
    return manifest_form(path) is not None and (lower in _RECIPES or lower.endswith(_RECIPE_EXTENSIONS))
