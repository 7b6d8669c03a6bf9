// <BANNER>

package segue

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
)

// canonical writes a value as RFC 8785 says.
func canonical(value any) ([]byte, error) {
	var text strings.Builder
	err := writeCanonical(&text, value)
	return []byte(text.String()), err
}

func writeCanonical(text *strings.Builder, value any) error {
	switch value := value.(type) {
	case nil:
		text.WriteString("null")
	case bool:
		text.WriteString(strconv.FormatBool(value))
	case string:
		writeString(text, value)
	case float64:
		return writeNumber(text, value)
	case []any:
		for place, inner := range value {
			text.WriteByte("[,"[notFirst(place)])
			if err := writeCanonical(text, inner); err != nil {
				return err
			}
		}
		text.WriteString(closing(len(value), "[]"))
	case map[string]any:
		for place, name := range utf16Order(value) {
			text.WriteByte("{,"[notFirst(place)])
			writeString(text, name)
			text.WriteByte(':')
			if err := writeCanonical(text, value[name]); err != nil {
				return err
			}
		}
		text.WriteString(closing(len(value), "{}"))
	}
	return nil
}

func notFirst(place int) int {
	if place > 0 {
		return 1
	}
	return 0
}

// closing returns both brackets where nothing stands between them.
func closing(length int, brackets string) string {
	return brackets[notFirst(length):]
}

// utf16Order returns the names in the order of their UTF-16 code units: not that of their bytes.
func utf16Order(members map[string]any) []string {
	names := make([]string, 0, len(members))
	units := make(map[string][]uint16, len(members))
	for name := range members {
		names = append(names, name)
		units[name] = utf16.Encode([]rune(name))
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := units[names[i]], units[names[j]]
		for place := 0; place < len(a) && place < len(b); place++ {
			if a[place] != b[place] {
				return a[place] < b[place]
			}
		}
		return len(a) < len(b)
	})
	return names
}

// shortEscapes are those that RFC 8785 has a letter for.
var shortEscapes = map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`}

func writeString(text *strings.Builder, value string) {
	text.WriteByte('"')
	for _, char := range value {
		switch escaped, found := shortEscapes[char]; {
		case found:
			text.WriteString(escaped)
		case char < ' ':
			fmt.Fprintf(text, `\u%04x`, char)
		default:
			text.WriteRune(char)
		}
	}
	text.WriteByte('"')
}

// writeNumber writes a double as ECMAScript does: 1.0 is 1, -0 is 0, 1e21 is 1e+21, 1e-7 has one digit.
func writeNumber(text *strings.Builder, value float64) error {
	size := math.Abs(value)
	switch {
	case value == 0:
		text.WriteByte('0')
	case size > 1<<53-1 && size < 1e21:
		return errors.New("readers do not agree on integers beyond 2^53 - 1: send the number as a string")
	case size >= 1e21 || size < 1e-6:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(value, 'e', -1, 64), "e")
		text.WriteString(mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0"))
	default:
		text.WriteString(strconv.FormatFloat(value, 'f', -1, 64))
	}
	return nil
}
