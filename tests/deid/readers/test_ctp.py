"""Scripts of CTP and of RSNA's Anonymizer: done exactly, or refused by the line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from anontui.deid.readers.ctp import Script, read_script
from anontui.deid.rules.actions import Action, AnyRule, Choice, Condition, Rule
from anontui.deid.rules.choices import decided
from anontui.deid.rules.options import Option
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

HEAD = """<script>
<p t="DATEINC">-3210</p>
<p t="SITEID">42</p>
<p t="SITENAME">Site Name</p>
<p t="UIDROOT">1.2.3</p>
<p t="WORDS">Enter your date offset</p>
"""
LINE = 7  # of what stands below the head
ID, NAME, DATE, AGE, TEXT, UID, SEQUENCE = (
    "00100020",
    "00100010",
    "00080020",
    "00101010",
    "00081030",
    "00080018",
    "00081140",
)


def read(folder: Path, body: str, lookup: str | None = None) -> Script:
    path = folder / "anon.script"
    path.write_text(f"{HEAD}{body}\n</script>", encoding="utf-8")
    if lookup is None:
        return read_script(path)
    table = folder / "lookup.properties"
    table.write_text(lookup, encoding="utf-8")
    return read_script(path, table)


def element(tag: str, text: str) -> str:
    return f'<e en="T" t="{tag}" n="Name">{text}</e>'


def told(action: Action, **details: object) -> Rule:
    return Rule(action, f"anon.script line {LINE}", told=True, **details)  # type: ignore[arg-type]


KEEP, EMPTY, DELETE = told(Action.KEEP), told(Action.EMPTY), told(Action.DELETE)


def value(text: str) -> Rule:
    return told(Action.REPLACE_WITH_VALUE, value=text)


def choice(tag: int, test: str, argument: str, then: AnyRule, otherwise: AnyRule) -> Choice:
    return Choice(Condition(tag, test, argument), then, otherwise)


@pytest.mark.parametrize(
    ("tag", "text", "rule"),
    [
        (TEXT, "@remove()", DELETE),
        (TEXT, " @ remove ( ) ", DELETE),
        (TEXT, "@keep()", KEEP),
        (TEXT, "@require()", KEEP),
        (TEXT, "@empty()", EMPTY),
        (TEXT, "", EMPTY),
        (TEXT, "@blank(0)", EMPTY),
        (TEXT, "@blank(3)", value("   ")),
        (TEXT, "@blank(999)", value(" " * 55)),
        (SEQUENCE, "@process()", KEEP),
        (SEQUENCE, "@always()@process()", KEEP),
        (UID, "@hashuid(@UIDROOT,this)", told(Action.REPLACE_UID)),
        (UID, "@hashuid(@UIDROOT,SOPInstanceUID)", told(Action.REPLACE_UID)),
        (UID, "@hashuid(1.2.3,[0008,0018])", told(Action.REPLACE_UID)),
        (ID, "@hashptid(@SITEID,PatientID)", told(Action.PSEUDONYM)),
        (ID, "@hashptid(@SITEID,this,10)", told(Action.PSEUDONYM)),
        (NAME, "@hashptid(@SITEID,PatientID)", told(Action.PSEUDONYM)),
        (NAME, "@hashname(this,6,2)", told(Action.PSEUDONYM)),
        (NAME, "@hash(PatientID,10)", told(Action.PSEUDONYM)),
        (ID, "@ptid()", told(Action.PSEUDONYM)),
        ("00080050", "@acc()", told(Action.HASH)),
        ("00080050", "@hash(this)", told(Action.HASH)),
        ("00080050", "@hash(this, 16)", told(Action.HASH, number=16)),
        ("00080090", "@hashname(this,6)", told(Action.HASH, number=6)),
        ("00080050", "@hashptid(@SITEID,this,13)", told(Action.HASH, number=13)),
        (DATE, "@hashdate(this,PatientID)", told(Action.SHIFT_DATE)),
        (DATE, "@incrementdate(this,@DATEINC)", told(Action.SHIFT_DATE, number=-3210)),
        (DATE, "@incrementdate(StudyDate,$DATEINC)", told(Action.SHIFT_DATE, number=-3210)),
        (DATE, "@incrementdate(this,5)", told(Action.SHIFT_DATE, number=5)),
        (AGE, "@round(this,5)", told(Action.ROUND_AGE, number=5)),
        (TEXT, "@param(@SITENAME)", value("Site Name")),
        (TEXT, "@param(SITENAME)", value("Site Name")),
        (TEXT, "at @param(@SITENAME)!", value("at Site Name!")),
        (TEXT, "Removed by CTP", value("Removed by CTP")),
        (TEXT, r"A\\B \@ C", value("A\\B @ C")),
        (TEXT, "<![CDATA[@]]>remove&#40;)", DELETE),
        (TEXT, "@always()YES", told(Action.REPLACE_WITH_VALUE, value="YES", insert=True)),
        (
            TEXT,
            "@always()@param(@SITEID)",
            told(Action.REPLACE_WITH_VALUE, value="42", insert=True),
        ),
        (TEXT, "@contents(this)", KEEP),
        (TEXT, '@contents(this,"[0-9]+")', told(Action.REGEXP, find="[0-9]+")),
        (
            TEXT,
            r'@contents(this,"(\\d+)-(\\d+)","$2 at $1")',
            told(Action.REGEXP, find=r"(\d+)-(\d+)", value=r"\g<2> at \g<1>"),
        ),
        (
            TEXT,
            "@if(this,isblank){@remove()}{Removed by CTP}",
            choice(0x00081030, "blank", "", DELETE, value("Removed by CTP")),
        ),
        (TEXT, "@if(PatientID,exists){@keep()} {}", choice(0x00100020, "exists", "", KEEP, EMPTY)),
        (
            TEXT,
            '@if(ImageType,contains,"SCREEN, SAVE"){@remove()}{@keep()}',
            choice(0x00080008, "contains", "SCREEN, SAVE", DELETE, KEEP),
        ),
        (
            TEXT,
            "@if((0008,0060),equals,@SITEID){@empty()}{@keep()}",
            choice(0x00080060, "equals", "42", EMPTY, KEEP),
        ),
        (
            TEXT,
            r'@if(this,matches,"CT\\s+(HEAD|NECK)"){@keep()}{@remove()}',
            choice(0x00081030, "matches", r"CT\s+(HEAD|NECK)", KEEP, DELETE),
        ),
        (
            AGE,
            "@if(this,greaterthan,089Y){090Y}{@keep()}",
            choice(0x00101010, "greater", "089", value("090Y"), KEEP),
        ),
        (
            TEXT,
            '@if(Modality,equals,"CT"){@if(this,isblank){@remove()}{@keep()}}{@empty()}',
            choice(
                0x00080060, "equals", "CT", choice(0x00081030, "blank", "", DELETE, KEEP), EMPTY
            ),
        ),
    ],
)
def test_elements(tag: str, text: str, rule: AnyRule, tmp_path: Path) -> None:
    script = read(tmp_path, element(tag, text))
    assert script == Script(((TagPattern(int(tag, 16)), rule),))
    assert pickle.loads(pickle.dumps(script)) == script


def test_private_elements_by_their_creator(tmp_path: Path) -> None:
    script = read(tmp_path, element("0009[GEMS_IDEN 01]e3", "@keep()"))
    assert script.rules == ((TagPattern(0x000900E3, 0xFFFF00FF, "GEMS_IDEN 01"), KEEP),)


@pytest.mark.parametrize(
    "line",
    [
        element("00120062", "YES"),
        element("00120063", "@append(){CTP: @param(@SITENAME): @date():@time()}"),
        element("00120064", "113100/113105"),
        element("00280303", "@always()MODIFIED"),
        element("00020003", "@hashuid(@UIDROOT,this)"),
        element("00001000", "@keep()"),
        '<e en="F" t="00100020" n="PatientID">@nonsense(</e>',
        '<k en="F" t="0018">Keep group 0018</k>',
        '<r en="F" t="nothing">x</r>',
        "<!-- a comment -->",
    ],
)
def test_lines_that_say_nothing(line: str, tmp_path: Path) -> None:
    assert read(tmp_path, line) == Script()


def action(policy: Policy, tag: int, creator: str = "") -> Action:
    rule = policy.rule(tag, {}, creator)
    assert isinstance(rule, Rule)
    return rule.action


def test_what_is_unspecified_goes(tmp_path: Path) -> None:
    body = [
        '<k en="T" t="0018">Keep group 0018</k>',
        '<r en="T" t="unspecifiedelements">Remove unchecked elements</r>',
        element("00080060", "@keep()"),
        element("00281199", "@keep()"),
    ]
    policy = Policy.build(rules=read(tmp_path, "\n".join(body)).rules)
    assert action(policy, 0x00080060) is Action.KEEP
    assert action(policy, 0x00080070) is Action.DELETE  # the standard keeps a manufacturer
    assert action(policy, 0x00180050) is Action.KEEP  # spared with its group ...
    assert action(policy, 0x00181000) is Policy.basic().rule(0x00181000, {}).action  # type: ignore[union-attr]
    assert action(policy, 0x00080018) is Action.REPLACE_UID
    assert action(policy, 0x00280010) is Action.KEEP
    assert action(policy, 0x00281199) is Action.KEEP
    assert action(policy, 0x00281214) is Action.REPLACE_UID  # not spared from the standard
    assert action(policy, 0x7FE00010) is Action.KEEP
    assert action(policy, 0x60003000) is Action.DELETE
    assert action(policy, 0x00091001, "GEMS_IDEN_01") is Action.DELETE_PRIVATE


def test_without_it_the_standard_holds(tmp_path: Path) -> None:
    script = read(tmp_path, '<k en="T" t="18">Keep group 0018</k>' + element(TEXT, "@keep()"))
    policy, basic = Policy.build(rules=script.rules), Policy.basic()
    for tag in (0x00080070, 0x00100010, 0x00181000, 0x00180050, 0x00091001):
        assert action(policy, tag) is action(basic, tag)


def test_removals(tmp_path: Path) -> None:
    names = ("privategroups", "overlays", "curves")
    script = read(tmp_path, "".join(f'<r en="T" t="{name}">x</r>' for name in names))
    assert script.removes_private
    assert script.rules == (
        (TagPattern(0x60000000, 0xFF000000), DELETE),
        (TagPattern(0x50000000, 0xFF000000), DELETE),
    )


def test_safe_private_elements(tmp_path: Path) -> None:
    script = read(tmp_path, '<k en="T" t="safeprivateelements">x</k>')
    assert script.options == {Option.RETAIN_SAFE_PRIVATE}


def test_a_script_of_the_anonymizer(tmp_path: Path) -> None:
    body = [
        '<e en="T" t="00080016" n="SOPClassUID"></e>',
        '<e en="T" t="00080018" n="SOPInstanceUID">@uid</e>',
        '<e en="T" t="00080020" n="StudyDate">@hashdate</e>',
        '<e en="T" t="00080050" n="AccessionNumber">@acc</e>',
        '<e en="T" t="00080080" n="InstitutionName">@remove()</e>',
        '<e en="T" t="00080090" n="ReferringPhysicianName">@empty()</e>',
        '<e en="T" t="00081030" n="StudyDescription"></e>',
        '<e en="T" t="00081040" n="DepartmentName">@keep</e>',
        '<e en="T" t="00100010" n="PatientName">@ptid</e>',
        '<e en="T" t="00101010" n="PatientAge">@round(this,5)</e>',
        '<r en="T" t="privategroups">Remove private groups</r>',
    ]
    policy = Policy.build(rules=read(tmp_path, "\n".join(body)).rules)
    wanted = {
        0x00080016: Action.KEEP,
        0x00080018: Action.REPLACE_UID,
        0x00080020: Action.SHIFT_DATE,
        0x00080050: Action.HASH,
        0x00080080: Action.DELETE,
        0x00080090: Action.EMPTY,
        0x00081030: Action.KEEP,
        0x00081040: Action.KEEP,
        0x00100010: Action.PSEUDONYM,
        0x00101010: Action.ROUND_AGE,
        0x00080070: Action.DELETE,  # it is not named
        0x00280010: Action.KEEP,
    }
    assert {tag: action(policy, tag) for tag in wanted} == wanted


def test_what_is_inserted(tmp_path: Path) -> None:
    lines = [element("00120030", "@always()@param(@SITEID)"), element("00120031", "@always()A")]
    policy = Policy.build(rules=read(tmp_path, "".join(lines)).rules)
    assert policy.inserted == {0x00120030: "42", 0x00120031: "A"}
    later = read(tmp_path, "".join([*lines, element("00120031", "@remove()")])).rules
    assert Policy.build(rules=later).inserted == {0x00120030: "42"}


LOOKUP = r"""# patients
! of invented names
ptid/Bram\ 1 = NEW-1
ptid/Cora: @ptid/Bram 1
acc/7=A\u0042\
   C
"""


def test_lookup(tmp_path: Path) -> None:
    body = element(ID, "@lookup(this,ptid)") + element("00080050", "@lookup(this,acc,remove)")
    rules = [rule for _, rule in read(tmp_path, body, LOOKUP).rules if isinstance(rule, Rule)]
    assert [rule.action for rule in rules] == [Action.LOOK_UP, Action.LOOK_UP]
    assert [rule.table for rule in rules] == [{"Bram 1": "NEW-1", "Cora": "NEW-1"}, {"7": "ABC"}]
    assert pickle.loads(pickle.dumps(rules))[0].table == rules[0].table
    assert "Bram" not in repr(rules)


def test_lookup_in_a_table_of_two_columns(tmp_path: Path) -> None:
    script, table = tmp_path / "a.script", tmp_path / "table.CSV"
    script.write_text(f"{HEAD}{element(ID, '@lookup(this,ptid)')}</script>")
    table.write_text("Bram,NEW-1\n\nptid/Cora, NEW-2\n")
    [(_, rule)] = read_script(script, table).rules
    assert isinstance(rule, Rule)
    assert rule.table == {"Bram": "NEW-1", "Cora": "NEW-2"}


@pytest.mark.parametrize(
    ("lookup", "words"),
    [
        ("ptid/Bram=@ptid/Cora", "lookup.properties line 1: the entry that it points to"),
        ("\nptid/Bram=@ptid/Bram", "lookup.properties line 2: the entries point to each other"),
        ("Bram=NEW", "lookup.properties line 1: the key has no type"),
        ("=NEW", "lookup.properties line 1: the key is missing"),
        ("acc/Bram=NEW", "anon.script line 7: there is no lookup table with entries of type ptid"),
        (None, "anon.script line 7: there is no lookup table with entries of type ptid"),
    ],
)
def test_lookup_tables_that_are_refused(lookup: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read(tmp_path, element(ID, "@lookup(this,ptid)"), lookup)
    assert caught.value.sentence().startswith(words)
    assert "Bram" not in caught.value.sentence()


@pytest.mark.parametrize(
    ("tag", "text", "words"),
    [
        (DATE, "@date()", "@date is not supported: the results of two days would differ"),
        ("00080030", "@time()", "@time is not supported"),
        (TEXT, "@append(){x}", "@append is not supported: it would keep"),
        (TEXT, "@select(){@keep()}{@remove()}", "@select is not supported"),
        (TEXT, "@quarantine()", "@quarantine is not supported: rules do not decide on files"),
        (TEXT, "@skip()", "@skip is not supported"),
        (TEXT, "@call(id)", "@call is not supported"),
        (TEXT, "@value(this)", "@value is not supported"),
        (TEXT, "@truncate(this,5)", "@truncate is not supported"),
        (TEXT, "@initials(PatientName)", "@initials is not supported"),
        (TEXT, "@integer(this,x)", "@integer is not supported"),
        (TEXT, "@lowercase(this)", "@lowercase is not supported"),
        (TEXT, "@uppercase(this)", "@uppercase is not supported"),
        (TEXT, "@encrypt(this,key)", "@encrypt is not supported"),
        (TEXT, "@decrypt(this,key)", "@decrypt is not supported"),
        (TEXT, "@pathelement(this,1)", "@pathelement is not supported"),
        (DATE, "@modifydate(this,*,1,1)", "@modifydate is not supported"),
        (DATE, "@dateinterval(this,base,PatientID)", "@dateinterval is not supported"),
        (TEXT, "@Keep()", "@Keep is not supported"),
        (TEXT, "@nosuch(this)", "@nosuch is not supported"),
        (TEXT, "@keep(this)", "@keep takes 0 arguments"),
        (TEXT, "@remove()@keep()", "@remove together with other text is not supported"),
        (TEXT, "x@contents(this)", "@contents together with other text"),
        (ID, "@param(@SITEID)-@hashptid(@SITEID,this,10)", "@hashptid together with other"),
        (TEXT, "a @- b", "an @ calls no function"),
        (TEXT, "@keep(", "a parenthesis or a quote is not closed"),
        (TEXT, '@if(this,equals,"x){@keep()}{@keep()}', "a parenthesis or a quote"),
        (TEXT, "@if(this,isblank){@keep()}", "a clause in braces, {…}, is missing"),
        (TEXT, "@if(this,isblank){@keep()}{", "a brace is not closed"),
        (TEXT, "@if(this,isblank){@date()}{@keep()}", "@date is not supported"),
        (TEXT, "@if(this,isblank){@remove()}{@quarantine()}", "@quarantine is not"),
        (TEXT, "@if(this,lessthan,5){@keep()}{@remove()}", "@if knows no test lessthan"),
        (TEXT, "@if(this,exists,x){@keep()}{@remove()}", "exists takes 2 arguments"),
        (TEXT, "@if(this,equals){@keep()}{@remove()}", "equals takes 3 arguments"),
        (TEXT, "@if(NoSuch,exists){@keep()}{@remove()}", "there is no attribute NoSuch"),
        (TEXT, "@if(00091001,exists){@keep()}{@remove()}", "attributes of the standard only"),
        (TEXT, "@if(0009[X]01,exists){@keep()}{@remove()}", "there is no attribute"),
        (TEXT, '@if(this,matches,"(a+)+"){@keep()}{@empty()}', "could take very long"),
        (TEXT, '@if(this,matches,"["){@keep()}{@empty()}', "not a regular expression"),
        (TEXT, "@if(this,greaterthan,x){@keep()}{@empty()}", "compares with a number"),
        (TEXT, "@if(this,isblank){" * 9 + "}{}" * 9, "nested too deep"),
        (TEXT, "@contents(PatientName)", "@contents of another attribute is not supported"),
        (TEXT, '@contents(this,"a","$1")', "the replacement does not go with"),
        (UID, "@hashuid(@UIDROOT,StudyInstanceUID)", "@hashuid of another attribute"),
        (UID, "@hashuid(@UIDROOT,this,PatientID)", "@hashuid takes 2 arguments"),
        (UID, "@hashuid(@NONE,this)", "there is no parameter NONE"),
        (TEXT, "@param(@NONE)", "there is no parameter NONE"),
        (TEXT, "@hash(StudyDate)", "@hash of another attribute"),
        (TEXT, "@hash(this,@WORDS)", "is no number of length"),
        ("00080090", "@hashname(this,6,2)", "@hashname of some words only"),
        (DATE, "@hashdate(SeriesDate,PatientID)", "@hashdate of another attribute"),
        (DATE, "@hashdate(this,StudyID)", "@hashdate by what is not the PatientID"),
        (DATE, "@incrementdate(this,@WORDS)", "Enter your date offset is no number of days"),
        (DATE, "@incrementdate(this,0)", "0 is no number of days"),
        (DATE, "@incrementdate(this,PatientID,inc)", "@incrementdate takes 2 arguments"),
        ("00080030", "@hashdate(this,PatientID)", "@hashdate of a time of day"),
        ("00080030", "@incrementdate(this,5)", "a time of day does not move by days"),
        (AGE, "@round(this,0)", "0 is no number of width"),
        ("00101030", "@round(this,5)", "only ages (VR AS) can be rounded"),
        (NAME, "@lookup(PatientID,ptid)", "@lookup of another attribute is not supported"),
        (ID, "@lookup(this,ptid,keep)", "only remove is supported"),
        (ID, "@lookup(this,ptid,default,X)", "only remove is supported"),
        (TEXT, "@process()", "@process on what is no sequence"),
        (TEXT, "@always()", "@always is not supported"),
        (TEXT, "@always()@hash(this)", "@always is not supported"),
        (UID, "@always()1.2.3", "@always is not supported"),
        (TEXT, "@blank(x)", "@blank takes a number of spaces"),
        (SEQUENCE, "a text", "this is a sequence"),
        (SEQUENCE, "@if(this,exists){@hash(this)}{@keep()}", "this is a sequence"),
        ("00130010", "CTP", "Name the creator"),
        ("00091001", "@keep()", "Name the creator"),
        ("00091001", "@if(Modality,exists){@remove()}{@empty()}", "Name the creator"),
        ("0008[X]20", "@keep()", "0008[X]20 is not a tag"),
        ("(0008,0020)", "@keep()", "is not a tag"),
        ("", "@keep()", " is not a tag"),
        (TEXT, "@uid@hash(this)", "@hash is no function of RSNA's Anonymizer"),
    ],
)
def test_refused(tag: str, text: str, words: str, tmp_path: Path) -> None:
    body = element(tag, text)
    if text.startswith("@uid@"):
        body = element(UID, "@uid").replace("\n", "") + element(tag, text.removeprefix("@uid"))
    with pytest.raises(DeidError) as caught:
        read(tmp_path, body)
    assert caught.value.sentence().startswith(f"anon.script line {LINE}: ")
    assert words in caught.value.sentence()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<k en="T" t="0009">x</k>', "line 7: a private group cannot be kept by its number"),
        ('<k en="T" t="xyz">x</k>', "line 7: xyz is not a group"),
        ('<r en="T" t="pixels">x</r>', "line 7: pixels cannot be removed"),
        ("<e t='00100020'>@keep()</e>", "line 7: it does not say whether it counts"),
        ("<e en='yes' t='00100020'>@keep()</e>", "line 7: it does not say whether it counts"),
        ("<x/>", "line 7: <x> has no place here"),
        ("<e en='T' t='00100020'>\n<b/></e>", "line 8: <b> has no place here"),
        ("\n\nkeep", "there is text between the elements"),
        ("<e>", "line 8: this is not XML"),
        ("&a;", "line 7: this is not XML"),
    ],
)
def test_lines_that_are_refused(body: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read(tmp_path, body)
    assert words in caught.value.sentence()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: this is not XML"),
        ("set.[0008,0050]=@remove()", "line 1: this is not XML"),
        ("<deid/>", "line 1: this is not a script of CTP"),
        ("<!DOCTYPE script>\n<script/>", "line 1: a document type is not allowed"),
        (
            '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<script>&b;</script>',
            "line 1: a document type is not allowed",
        ),
        ('<?xml version="1.0" encoding="nope"?><script/>', "line 1: "),
        ('<?xml version="1.0" encoding="shift_jis"?><script/>', "line 1: "),
    ],
)
def test_files_that_are_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "anon.script"
    path.write_text(text)
    with pytest.raises(DeidError) as caught:
        read_script(path)
    assert words in caught.value.sentence()


def test_all_lines_that_are_refused_are_named(tmp_path: Path) -> None:
    body = "\n".join([element(DATE, "@date()"), element(TEXT, "@keep()"), element(TEXT, "@x()")])
    with pytest.raises(DeidError) as caught:
        read(tmp_path, body)
    assert caught.value.sentence().endswith("Refused too: line 9.")


def test_choices_decide_by_the_text(tmp_path: Path) -> None:
    script = read(tmp_path, element(TEXT, "@if(this,isblank){@remove()}{Removed by CTP}"))
    [(_, rule)] = script.rules
    assert decided(rule, lambda tag: " ") == DELETE
    assert decided(rule, lambda tag: "CT" if tag == 0x00081030 else None) == value("Removed by CTP")
