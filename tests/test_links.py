"""Links between the pages of the project lead to files that are there, and to headings of these."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    page.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "recipes/*/*.md", "avsi/pretrained/*/*.md")
    for page in sorted(ROOT.glob(pattern))
]
FENCED, INLINE_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE), re.compile(r"`[^`\n]+`")
LINK, HEADING = re.compile(r'\]\(([^)\s]+)\)|<img src="([^"]+)"'), re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What links name the headings of a page by: as GitHub does, in small letters, with hyphens for spaces."""
    headings = HEADING.findall(FENCED.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere():
    broken, n_links = [], 0
    for page in PAGES:
        text = INLINE_CODE.sub("", FENCED.sub("", (ROOT / page).read_text("utf-8")))
        for target in ("".join(groups) for groups in LINK.findall(text)):
            if re.match(r"https?:", target):
                continue
            n_links += 1
            path, _, anchor = target.partition("#")
            file = (ROOT / page).parent / path if path else ROOT / page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{page}: {target}")
    assert broken == []
    assert n_links > 100
