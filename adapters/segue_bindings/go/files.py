"""Writes `types.go` and `unions.go`, laid out as gofmt would: no Go is needed to write them."""

from __future__ import annotations

import textwrap

from segue_bindings import schema
from segue_bindings.go.forms import Field, Forms, exported
from segue_bindings.output import banner
from segue_bindings.schema import Schema, target

__all__ = ["types_file", "unions_file"]


def types_file(defs: dict[str, Schema]) -> str:
    """Return the file of all types but unions: structs, enums, names of scalars."""
    forms = Forms(defs)
    parts = []
    for name, body in defs.items():
        if schema.tagged_union(body) or schema.open_union(body) or schema.choices(body):
            continue
        if "properties" in body:
            parts.append(_struct(name, body, forms.fields(name)))
        elif name == "JsonValue":
            parts.append(f"{_doc(name, body['description'])}type {name} = json.RawMessage\n")
        elif "enum" in body:
            parts.append(_enum(name, body["enum"], body["description"]))
        else:
            parts.append(f"{_doc(name, body['description'])}type {name} = {forms.type(body, name)}\n")
    parts += [_enum(name, values, prose) for name, (values, prose) in sorted(forms.enums.items())]
    head = "// Package segue holds the messages of Segue, and the digests that prove a history.\n"
    return _file(head, ["encoding/json"], parts)


def unions_file(defs: dict[str, Schema]) -> str:
    """Return the file of all unions: tagged ones, open ones, choices by shape, texts or lists."""
    forms = Forms(defs)
    for name, body in defs.items():
        if "properties" in body and not schema.open_union(body):
            forms.fields(name)  # collects the lists and choices that the fields need
    known = {union.known: name for name, body in defs.items() if (union := schema.open_union(body))}
    parts = []
    for name, body in defs.items():
        open_union = schema.open_union(body)
        tags = schema.tagged_union(defs[open_union.known] if open_union else body)
        branches = schema.choices(body)
        if tags and name not in known:
            parts.append(_union(name, body["description"], tags))
        elif branches:
            parts.append(_choices(name, body["description"], branches))
    parts += [_list(name) for name in sorted(forms.lists)]
    parts += [_text_or(name) for name in sorted(forms.texts_or)]
    return _file("", ["encoding/json", "fmt"], parts)


def _file(head: str, imports: list[str], parts: list[str]) -> str:
    lines = "".join(f'\t"{name}"\n' for name in imports)
    return f"// {banner()}\n\n{head}package segue\n\nimport (\n{lines})\n\n" + "\n".join(parts)


def _doc(name: str, prose: str, indent: str = "") -> str:
    text = f"{name}: {prose}" if name else prose
    lines = textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{indent}// {line}\n" for line in lines)


# --- structs and enums --------------------------------------------------------------------------


def _struct(name: str, body: Schema, fields: list[Field]) -> str:
    closed = body.get("additionalProperties") is False
    lines = []
    for field in fields:
        if field.constant is None:
            lines.append(f"{_doc('', field.prose, chr(9))}\t{field.go} {field.type} {field.tag}\n")
    unknown = "nil"
    if not closed:
        unknown = "&v.UnknownMembers"
        prose = "UnknownMembers: members that this version does not know, and optional ones received as null."
        lines.append(f'\t// {prose}\n\tUnknownMembers map[string]json.RawMessage `json:"-"`\n')
    members = "".join(f"\t\t{_member(field)},\n" for field in fields)
    text = f"""{_doc(name, body["description"])}type {name} struct {{
{chr(10).join(lines)}}}

func (v *{name}) members() []member {{
	return []member{{
{members}	}}
}}

// UnmarshalJSON refuses an object that lacks a member or has one of another type.
func (v *{name}) UnmarshalJSON(data []byte) error {{
	*v = {name}{{}}
	return decode("{name}", data, v.members(), {unknown})
}}

// MarshalJSON writes absent members not at all, and unknown ones as they were received.
func (v {name}) MarshalJSON() ([]byte, error) {{
	return encode("{name}", v.members(), {unknown.removeprefix("&")})
}}
"""
    tag = next((field.constant for field in fields if field.name == "type"), None)
    return text + (f'\n// Tag returns "{tag}".\nfunc (v *{name}) Tag() string {{ return "{tag}" }}\n' if tag else "")


def _member(field: Field) -> str:
    words = [f'name: "{field.name}"']
    words.append(f"at: &v.{field.go}" if field.constant is None else f'constant: "{field.constant}"')
    flags = {"required": field.required, "nullable": field.nullable, "oneOf": field.one_of}
    words += [f"{flag}: true" for flag, is_set in flags.items() if is_set]
    return "{" + ", ".join(words) + "}"


def _enum(name: str, values: list[str], prose: str) -> str:
    names = [name + exported(value) for value in values]
    width = max(map(len, names))
    constants = "".join(
        f'\t{constant:<{width}} {name} = "{value}"\n' for constant, value in zip(names, values, strict=True)
    )
    listed = ", ".join(f'"{value}"' for value in values)
    return f"""{_doc(name, prose)}type {name} string

// The values of {name}.
const (
{constants})

// UnmarshalJSON refuses any other value.
func (v *{name}) UnmarshalJSON(data []byte) error {{
	return decodeEnum("{name}", data, (*string)(v), {listed})
}}
"""


# --- unions -------------------------------------------------------------------------------------


def _union(name: str, prose: str, tags: dict[str, str]) -> str:
    marker = "is" + name
    cases = "".join(f'\tcase "{tag}":\n\t\tvalue = &{kind}{{}}\n' for tag, kind in tags.items())
    width = max(len(kind) for kind in (*tags.values(), "Unknown"))
    markers = "".join(
        f"func (*{kind}) {marker}() {'':{width - len(kind)}}{{}}\n" for kind in (*tags.values(), "Unknown")
    )
    kinds = ", ".join(f"*{kind}" for kind in tags.values())
    return f"""{_doc(name, prose)}{_doc("", f"One of {kinds}; *Unknown for any other type.")}type {name} interface {{
	json.Marshaler
	// Tag returns the type, as it stands in JSON.
	Tag() string
	{marker}()
}}

{markers}
// Parse{name} reads one; a type that this version does not know is kept whole in an *Unknown.
func Parse{name}(data []byte) ({name}, error) {{
	tag, err := tagOf(data)
	if err != nil {{
		return nil, fmt.Errorf("{name}: %w", err)
	}}
	var value interface {{
		{name}
		json.Unmarshaler
	}}
	switch tag {{
{cases}	default:
		return &Unknown{{Raw: append(json.RawMessage(nil), data...)}}, nil
	}}
	if err := value.UnmarshalJSON(data); err != nil {{
		return nil, err
	}}
	return value, nil
}}
"""


def _list(name: str) -> str:
    return f"""// {name}s is a list of {name}.
type {name}s []{name}

// UnmarshalJSON reads each element by its type.
func (v *{name}s) UnmarshalJSON(data []byte) (err error) {{
	*v, err = decodeList("{name}s", data, Parse{name})
	return err
}}
"""


def _text_or(name: str) -> str:
    kind = f"TextOr{name}s"
    return f"""// {kind} is a text, or a list of {name} where Text is nil.
type {kind} struct {{
	Text *string
	List {name}s
}}

// UnmarshalJSON reads a string or a list.
func (v *{kind}) UnmarshalJSON(data []byte) error {{
	*v = {kind}{{}}
	if first(data) == '"' {{
		return json.Unmarshal(data, &v.Text)
	}}
	return json.Unmarshal(data, &v.List)
}}

// MarshalJSON writes the text where there is one, else the list.
func (v {kind}) MarshalJSON() ([]byte, error) {{
	if v.Text != nil {{
		return Marshal(*v.Text)
	}}
	if v.List == nil {{
		return []byte("[]"), nil
	}}
	return Marshal(v.List)
}}
"""


def _choices(name: str, prose: str, branches: list[Schema]) -> str:
    kinds = [target(branch["$ref"]) for branch in branches]
    width = max(map(len, kinds))
    fields = "".join(f"\t{kind:<{width}} *{kind}\n" for kind in kinds)
    cases = ""
    for branch, kind in zip(branches, kinds, strict=True):
        condition = branch.get("if")
        if condition is None:
            cases += f"\tdefault:\n\t\treturn json.Unmarshal(data, &v.{kind})\n"
        elif condition["type"] == "string":
            cases += f"\tcase first(data) == '\"':\n\t\treturn json.Unmarshal(data, &v.{kind})\n"
        else:
            names = ", ".join(f'"{member}"' for member in condition["required"])
            cases += f"\tcase has(data, {names}):\n\t\treturn json.Unmarshal(data, &v.{kind})\n"
    writes = "".join(f"\tcase v.{kind} != nil:\n\t\treturn Marshal(v.{kind})\n" for kind in kinds)
    return f"""{_doc(name, prose)}// One of the fields is set.
type {name} struct {{
{fields}}}

// UnmarshalJSON tells by the value's shape which one it is.
func (v *{name}) UnmarshalJSON(data []byte) error {{
	*v = {name}{{}}
	if first(data) == 'n' {{
		return fmt.Errorf("{name}: must not be null")
	}}
	switch {{
{cases}	}}
}}

// MarshalJSON writes the one that is set.
func (v {name}) MarshalJSON() ([]byte, error) {{
	switch {{
{writes}	}}
	return nil, fmt.Errorf("{name}: nothing is set")
}}
"""
