// <BANNER>

package segue

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 100

// readStrict reads I-JSON (RFC 7493): what readers would read differently is refused, which is two
// members of one name, half a surrogate pair, a number that no double holds. encoding/json takes the
// first two in silence. Values are nil, bool, float64, string, []any and map[string]any.
func readStrict(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the bytes are no UTF-8")
	}
	r := reader{data: data}
	value, err := r.value(maxDepth)
	if err != nil {
		return nil, err
	}
	r.space()
	if r.at != len(data) {
		return nil, errors.New("something stands behind the JSON")
	}
	return value, nil
}

var words = map[string]any{"true": true, "false": false, "null": nil}

type reader struct {
	data []byte
	at   int
}

func (r *reader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// next skips white space and returns the byte behind it, or 0 at the end.
func (r *reader) next() byte {
	r.space()
	if r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

func (r *reader) fault() error {
	return fmt.Errorf("no JSON at byte %d", r.at)
}

func (r *reader) value(room int) (any, error) {
	switch c := r.next(); {
	case c == '{' || c == '[':
		if room == 0 {
			return nil, fmt.Errorf("nested deeper than %d", maxDepth)
		}
		r.at++
		if c == '{' {
			return r.object(room - 1)
		}
		return r.array(room - 1)
	case c == '"':
		return r.text()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for word, value := range words {
		if end := r.at + len(word); end <= len(r.data) && string(r.data[r.at:end]) == word {
			r.at = end
			return value, nil
		}
	}
	return nil, r.fault()
}

func (r *reader) object(room int) (any, error) {
	found := map[string]any{}
	if r.next() == '}' {
		r.at++
		return found, nil
	}
	for {
		if r.next() != '"' {
			return nil, r.fault()
		}
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("an object has the name %q twice", name)
		}
		if r.next() != ':' {
			return nil, r.fault()
		}
		r.at++
		if found[name], err = r.value(room); err != nil {
			return nil, err
		}
		if more, err := r.more('}'); !more {
			return found, err
		}
	}
}

func (r *reader) array(room int) (any, error) {
	found := []any{}
	if r.next() == ']' {
		r.at++
		return found, nil
	}
	for {
		value, err := r.value(room)
		if err != nil {
			return nil, err
		}
		found = append(found, value)
		if more, err := r.more(']'); !more {
			return found, err
		}
	}
}

// more steps over a comma, or over the end.
func (r *reader) more(end byte) (bool, error) {
	switch r.next() {
	case ',':
		r.at++
		return true, nil
	case end:
		r.at++
		return false, nil
	}
	return false, r.fault()
}

func (r *reader) text() (string, error) {
	var text []byte
	for r.at++; r.at < len(r.data); {
		c := r.data[r.at]
		r.at++
		switch {
		case c == '"':
			return string(text), nil
		case c < ' ':
			return "", r.fault()
		case c != '\\':
			text = append(text, c)
		default:
			char, err := r.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, char)
		}
	}
	return "", r.fault()
}

func (r *reader) escape() (rune, error) {
	if r.at == len(r.data) {
		return 0, r.fault()
	}
	c := r.data[r.at]
	r.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return r.unicode()
	}
	return 0, r.fault()
}

func (r *reader) unicode() (rune, error) {
	high, err := r.hex()
	if err != nil || high < 0xd800 || high > 0xdfff {
		return high, err
	}
	if high < 0xdc00 && r.at+2 <= len(r.data) && string(r.data[r.at:r.at+2]) == `\u` {
		r.at += 2
		low, err := r.hex()
		if err != nil {
			return 0, err
		}
		if low >= 0xdc00 && low <= 0xdfff {
			return (high-0xd800)<<10 + (low - 0xdc00) + 0x10000, nil
		}
	}
	return 0, errors.New("a string holds a lone surrogate")
}

func (r *reader) hex() (rune, error) {
	if r.at+4 > len(r.data) {
		return 0, r.fault()
	}
	unit, err := strconv.ParseUint(string(r.data[r.at:r.at+4]), 16, 16)
	if err != nil {
		return 0, r.fault()
	}
	r.at += 4
	return rune(unit), nil
}

func (r *reader) number() (any, error) {
	start := r.at
	if r.data[r.at] == '-' {
		r.at++
	}
	whole := r.at
	if digits := r.digits(); digits == 0 || digits > 1 && r.data[whole] == '0' {
		return nil, r.fault()
	}
	if r.at < len(r.data) && r.data[r.at] == '.' {
		r.at++
		if r.digits() == 0 {
			return nil, r.fault()
		}
	}
	if r.at < len(r.data) && (r.data[r.at] == 'e' || r.data[r.at] == 'E') {
		r.at++
		if r.at < len(r.data) && (r.data[r.at] == '+' || r.data[r.at] == '-') {
			r.at++
		}
		if r.digits() == 0 {
			return nil, r.fault()
		}
	}
	number, err := strconv.ParseFloat(string(r.data[start:r.at]), 64)
	if err != nil || math.IsInf(number, 0) {
		return nil, errors.New("a number is beyond the range of a double")
	}
	return number, nil
}

func (r *reader) digits() int {
	start := r.at
	for r.at < len(r.data) && r.data[r.at] >= '0' && r.data[r.at] <= '9' {
		r.at++
	}
	return r.at - start
}
