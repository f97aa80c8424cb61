"""Sentences in other languages that limit what one may do with the work: "禁止用于商业用途", "nur für private Zwecke".

In: lines of a head, of a licence file or of a README. Out: the first line that forbids commercial use or training, or
permits study, research or private use alone. Chinese, Japanese, Korean, German, French, Spanish, Portuguese, Italian
and Russian; a sentence about fonts, pictures, data or models is none. 1 µs for a text without any of the words.
"""

import re
from collections.abc import Sequence

import re2

_MAYBE = re2.compile(
    "(?i)商[业業用]|[盈营營]利|牟利|[仅僅][限供用]|只[能限供可用]|学習|训练|訓練|상업|비영리|학습|kommerziell|gewerblich|commercial|comercia|"
    "privat|некоммерч|коммерч|учебн|обучени|(?:nur|nicht) zu|entrain|entren|trein|addestr"
)
_SAME = r"[^.;!?。；！？\n]"
# A bounded stretch of a bounded line: each start is tried over at most 70 signs.
_LIMITS = re.compile(
    "(?i)"
    + "|".join(
        (
            # Chinese, in both scripts
            rf"(?:禁止|[严嚴]禁|不得|不可|不能|不[许許]|不允[许許]|[请請]?勿|[谢謝][绝絕]){_SAME}{{0,20}}(?:商[业業]|商用|[盈营營]利|牟利)",
            rf"(?:商[业業](?:用途|使用|目的)?|商用){_SAME}{{0,10}}(?:禁止|不允[许許]|不得|必[须須]{_SAME}{{0,8}}(?:授[权權]|[许許]可|付[费費])|[请請]{_SAME}{{0,8}}(?:授[权權]|[购購][买買]))",
            rf"(?:[仅僅]限|[仅僅]供|只能|只可|只限|只供|[仅僅]用[于於]|只用[于於]){_SAME}{{0,12}}(?:学[习習]|學習|[个個]人|研究|非商[业業用]|教[学學]|非[盈营營]利)",
            rf"(?:禁止|[严嚴]禁|不得|不可|[请請]?勿){_SAME}{{0,20}}(?:训练|訓練){_SAME}{{0,12}}(?:模型|AI|人工智[能慧])",
            # Japanese
            rf"商用{_SAME}{{0,14}}(?:禁止|禁じ|不可|お断り|できません|認め(?:ません|られ)|許可し(?:ません|ない)|しないで)",
            rf"(?:非商用|個人|学習|研究|私的)(?:利用|使用|目的|用途)?{_SAME}{{0,8}}(?:に限|のみ|限定)",
            rf"(?:AI|機械学習|モデル){_SAME}{{0,12}}学習{_SAME}{{0,12}}(?:禁止|禁じ|不可|お断り|使用しないで)",
            # Korean
            rf"상업(?:적|용){_SAME}{{0,24}}(?:금지|불가|금합니다|금한다|안 ?됩니다|없습니다|허용(?:되지|하지))",
            rf"(?:비상업|비영리|개인|학습|연구)(?:적|용)?{_SAME}{{0,14}}(?:에 ?한(?:해|하여|정)|으?로만|에서만)",
            # German
            rf"(?:kommerziell|gewerblich)\w*{_SAME}{{0,70}}\b(?:untersagt|verboten|nicht (?:gestattet|erlaubt|zulässig)|ausgeschlossen)",
            rf"(?:untersagt|verboten|nicht (?:gestattet|erlaubt)){_SAME}{{0,50}}(?:kommerziell|gewerblich)\w*",
            rf"\b(?:nur|ausschlie(?:ß|ss)lich) (?:für|zu[mr]?) (?:den |die |das )?(?:\w+ ){{0,2}}?(?:privat|nicht[- ]?(?:kommerziell|gewerblich)|nicht-?kommerziell|wissenschaftlich)\w*",
            # French
            rf"(?:usage|utilisation|fins?|exploitation)s? (?:\w+ )?commercial\w*{_SAME}{{0,60}}(?:interdit|prohib|(?:pas|non) (?:autoris|permis)|exclu)\w*",
            rf"(?:interdit|interdiction|prohib)\w*{_SAME}{{0,60}}commercial\w*",
            rf"(?:uniquement|seulement|exclusivement){_SAME}{{0,40}}(?:non[- ]commercial|usage (?:personnel|privé)|éducati)\w*",
            # Spanish, Portuguese, Italian
            rf"(?:uso|fins|fines|prop[óo]sitos?|scopi) comm?ercia\w*{_SAME}{{0,60}}(?:prohibid|proibid|vedad|vietat|no (?:está )?permitid|não (?:é )?permitid|non (?:è )?(?:consentit|permess))\w*",
            rf"(?:prohib|proib|vedad|vietat|no (?:se )?(?:permite|está permitido|puede)|não (?:é permitid|pode)|non (?:è consentit|può))\w*{_SAME}{{0,60}}comm?ercia\w*",
            rf"(?:s[oó]lo|solamente|únicamente|apenas|somente|soltanto|unicamente|exclusiv[ao]mente|esclusivamente){_SAME}{{0,40}}(?:no[- ]comercia|não[- ]comercia|non[- ]commercial|uso (?:personal|pessoal|personale|privado|privato)|fin(?:e|i)?s? (?:educativ|educaciona|didattic|académic|acadêmic)|investigación|pesquisa)\w*",
            # Russian
            rf"коммерческ\w*{_SAME}{{0,60}}(?:запрещен|запрещён|запрещается|не (?:допускается|разреш))\w*",
            rf"(?:запрещ|не (?:допускается|разрешается))\w*{_SAME}{{0,60}}коммерческ\w*",
            rf"только{_SAME}{{0,40}}(?:некоммерческ|личн\w* (?:использован|цел)|учебн|научн)\w*",
            # training
            rf"(?:запрещ\w+|untersagt|verboten|interdit\w*|prohibid\w*|proibid\w*|vietat\w*){_SAME}{{0,60}}(?:обучени\w+ (?:модел|ИИ|нейро)|KI-?(?:Training|Modell)|entra[iî]n\w+{_SAME}{{0,20}}\bIA|entren\w+{_SAME}{{0,20}}\bIA|trein\w+{_SAME}{{0,20}}\bIA|addestra\w+{_SAME}{{0,20}}\bIA)",
        )
    )
)
# What is about something else than the code.
_OTHERS = re.compile(
    "(?i)字[体體型]|[图圖]片|[图圖][标標]|素材|[数數][据據]|模型[权權]重|音[乐樂]|[视視][频頻]|接口|フォント|画像|アイコン|データ|글꼴|이미지|데이터|"
    r"\b(?:schrift|bilder|icons?|daten|polices|images?|données|fuentes|im[aá]gen|iconos|datos|dados|fontes|caratteri|immagin|dati)\w*|"
    "шрифт|иконк|изображени|данны"
)
_NOT_SO = re.compile(r"(?i)不仅|不限|不僅|nicht nur|non seulement|no s[oó]lo|não apenas|non solo|не только")


def foreign_limit(lines: Sequence[str]) -> int | None:
    """The number, from 1, of the first line that limits the use of the work in another language; None if none does.

    >>> foreign_limit(["# Frob", "本项目仅供学习交流，请勿用于商业用途。"]), foreign_limit(["Die Daten sind nur für private Zwecke."])
    (2, None)
    """
    for number, line in enumerate(lines, 1):
        line = line[:2000]
        if not line or not _MAYBE.search(line):
            continue
        found = _LIMITS.search(line)
        if found is None:
            continue
        start = max(line.rfind(sign, 0, found.start()) for sign in ".;。；!！?？") + 1
        sentence = line[start : found.end()]
        if not _OTHERS.search(sentence) and not _NOT_SO.search(sentence):
            return number
    return None
