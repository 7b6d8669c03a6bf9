// <BANNER>

package segue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
)

// Object is a JSON object whose members nobody here knows; each is kept byte for byte.
type Object map[string]json.RawMessage

// TextOrObject is a text, or an object where Text is nil.
type TextOrObject struct {
	Text   *string
	Object Object
}

// UnmarshalJSON reads a string or an object.
func (v *TextOrObject) UnmarshalJSON(data []byte) error {
	*v = TextOrObject{}
	if first(data) == '"' {
		return json.Unmarshal(data, &v.Text)
	}
	return json.Unmarshal(data, &v.Object)
}

// MarshalJSON writes the text where there is one, else the object.
func (v TextOrObject) MarshalJSON() ([]byte, error) {
	if v.Text != nil {
		return Marshal(*v.Text)
	}
	if v.Object == nil {
		return []byte("{}"), nil
	}
	return Marshal(v.Object)
}

// Unknown is a message, an item or a part of a type that this version does not know, kept byte for
// byte. To send one, set Raw to an object with a `type`.
type Unknown struct {
	Raw json.RawMessage
}

// Tag returns the type, or "" where Raw has none.
func (v *Unknown) Tag() string {
	tag, _ := tagOf(v.Raw)
	return tag
}

// MarshalJSON returns what was received.
func (v *Unknown) MarshalJSON() ([]byte, error) {
	if _, err := tagOf(v.Raw); err != nil {
		return nil, err
	}
	return v.Raw, nil
}

// Ptr returns a pointer to the value: optional members are pointers, and nil is absent.
func Ptr[T any](value T) *T {
	return &value
}

// Marshal is json.Marshal without the escapes that only HTML needs.
func Marshal(value any) ([]byte, error) {
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(written.Bytes(), []byte("\n")), nil
}

// member says where an object's member is kept, and what the schema asks of it.
type member struct {
	name     string
	at       any    // pointer to the field; nil for a constant
	constant string // the one value of a member without a field
	required bool
	nullable bool
	oneOf    bool // of these members an object has exactly one
}

var null = []byte("null")

// decode reads the members of an object into their places and puts the others into unknown, which is
// nil where the schema allows none. An explicit null of an optional member goes there as well: the
// field is nil, and the null is written again.
func decode(kind string, data []byte, members []member, unknown *map[string]json.RawMessage) error {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(data, &found); err != nil || found == nil {
		return fmt.Errorf("%s: expected an object, got %.60s", kind, data)
	}
	alternatives, given := 0, 0
	for _, m := range members {
		raw, present := found[m.name]
		if m.oneOf {
			alternatives++
			if present {
				given++
			}
		}
		switch {
		case !present && m.required:
			return fmt.Errorf("%s: `%s` is missing", kind, m.name)
		case !present:
			continue
		case m.at == nil:
			var is string
			if json.Unmarshal(raw, &is) != nil || is != m.constant {
				return fmt.Errorf("%s: `%s` must be %q, got %.60s", kind, m.name, m.constant, raw)
			}
		case bytes.Equal(raw, null) && !isRaw(m.at):
			if !m.nullable {
				return fmt.Errorf("%s: `%s` must not be null", kind, m.name)
			}
			continue // stays in found
		default:
			if err := json.Unmarshal(raw, m.at); err != nil {
				return fmt.Errorf("%s: `%s`: %w", kind, m.name, err)
			}
		}
		delete(found, m.name)
	}
	if alternatives > 0 && given != 1 {
		return fmt.Errorf("%s: needs one of its alternatives, has %d", kind, given)
	}
	if len(found) == 0 {
		return nil
	}
	if unknown == nil {
		return fmt.Errorf("%s: has members that it must not have", kind)
	}
	*unknown = found
	return nil
}

// encode writes the members in their order and the unknown ones behind them by name. Absent is never null.
func encode(kind string, members []member, unknown map[string]json.RawMessage) ([]byte, error) {
	var written bytes.Buffer
	add := func(name string, value []byte) {
		if written.Len() > 0 {
			written.WriteByte(',')
		}
		quoted, _ := Marshal(name)
		written.Write(quoted)
		written.WriteByte(':')
		written.Write(value)
	}
	left := make(map[string]json.RawMessage, len(unknown))
	for name, value := range unknown {
		left[name] = value
	}
	alternatives, given := 0, 0
	for _, m := range members {
		value, err := valueOf(m)
		if err != nil {
			return nil, fmt.Errorf("%s: `%s`: %w", kind, m.name, err)
		}
		if m.oneOf {
			alternatives++
			if value != nil {
				given++
			}
		}
		kept, isNull := left[m.name]
		delete(left, m.name)
		switch {
		case value != nil:
			add(m.name, value)
		case m.nullable && isNull && bytes.Equal(kept, null):
			add(m.name, null)
		case m.required:
			return nil, fmt.Errorf("%s: `%s` is missing", kind, m.name)
		}
	}
	if alternatives > 0 && given != 1 {
		return nil, fmt.Errorf("%s: needs one of its alternatives, has %d", kind, given)
	}
	names := make([]string, 0, len(left))
	for name := range left {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		add(name, left[name])
	}
	return append(append([]byte{'{'}, written.Bytes()...), '}'), nil
}

// valueOf returns a member's value as JSON, or nil where it is absent.
func valueOf(m member) ([]byte, error) {
	if m.at == nil {
		return Marshal(m.constant)
	}
	field := reflect.ValueOf(m.at).Elem()
	switch field.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map:
		if field.IsNil() {
			return nil, nil
		}
	case reflect.Slice:
		if field.IsNil() {
			if m.required && !isRaw(m.at) {
				return []byte("[]"), nil
			}
			return nil, nil
		}
	}
	return Marshal(field.Interface())
}

func isRaw(at any) bool {
	_, raw := at.(*json.RawMessage)
	return raw
}

// decodeEnum reads one of a closed set of strings.
func decodeEnum(kind string, data []byte, at *string, values ...string) error {
	var value string
	if bytes.Equal(data, null) || json.Unmarshal(data, &value) != nil {
		return fmt.Errorf("%s: expected a string, got %.60s", kind, data)
	}
	for _, known := range values {
		if value == known {
			*at = value
			return nil
		}
	}
	return fmt.Errorf("%s: %q is none of its values", kind, value)
}

// tagOf returns the `type` of an object.
func tagOf(data []byte) (string, error) {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(data, &found); err != nil || found == nil {
		return "", fmt.Errorf("expected an object with a `type`, got %.60s", data)
	}
	var tag *string
	if err := json.Unmarshal(found["type"], &tag); err != nil || tag == nil || *tag == "" {
		return "", fmt.Errorf("expected an object with a `type`, got %.60s", data)
	}
	return *tag, nil
}

// decodeList reads a list with the function that reads one element.
func decodeList[T any](kind string, data []byte, parse func([]byte) (T, error)) ([]T, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil || raw == nil {
		return nil, fmt.Errorf("%s: expected a list, got %.60s", kind, data)
	}
	list := make([]T, 0, len(raw))
	for place, element := range raw {
		value, err := parse(element)
		if err != nil {
			return nil, fmt.Errorf("%s: [%d]: %w", kind, place, err)
		}
		list = append(list, value)
	}
	return list, nil
}

// first returns the first byte of a JSON value, which tells its kind.
func first(data []byte) byte {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if len(trimmed) == 0 {
		return 0
	}
	return trimmed[0]
}

// has tells whether an object has all of the members.
func has(data []byte, names ...string) bool {
	var found map[string]json.RawMessage
	if json.Unmarshal(data, &found) != nil {
		return false
	}
	for _, name := range names {
		if _, present := found[name]; !present {
			return false
		}
	}
	return true
}
