// <BANNER>

package segue

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Digests of items, contexts and histories are the proof that two sides hold the same. An item's digest
// is SHA-256 over its canonical form as RFC 8785 (JCS) writes it; a history's digest is a chain,
// SHA-256(previous 32 bytes || item's 32 bytes), that starts from 32 zero bytes.
const digestPrefix = "segue1-sha256:"

// EmptyHistory is the digest of the history that holds no item.
const EmptyHistory Digest = digestPrefix + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// rule says how one member goes in: as text, as a list of these parts, or as either.
type rule struct {
	name     string
	text     bool
	parts    string
	required bool
}

var itemRules = map[string][]rule{} // <ITEMS>

// partRules: lists of these hold known parts by their type, and others that go in whole.
var partRules = map[string]map[string][]rule{} // <PARTS>

// plainRules: lists of these hold one form whatever its type.
var plainRules = map[string][]rule{} // <PLAIN>

// contextMembers are those whose null says the same as their absence.
var contextMembers = map[string]bool{} // <CONTEXT>

var openItemLeaves = map[string]bool{"id": true, "status": true, "encrypted_content": true}

// ItemDigest returns the digest of one item, given as JSON.
func ItemDigest(item []byte) (Digest, error) {
	form, err := CanonicalItem(item)
	return hashed(form, err)
}

// ContextDigest returns the digest of a whole context, not of its digest or patch form.
func ContextDigest(context []byte) (Digest, error) {
	form, err := CanonicalContext(context)
	return hashed(form, err)
}

// Extend returns the history's digest after one more item; takes and returns digests.
func Extend(history, item Digest) (Digest, error) {
	before, err := digestBytes(history)
	if err != nil {
		return "", err
	}
	link, err := digestBytes(item)
	return hashed(append(before, link...), err)
}

// Chain returns digest and length of the history that goes on from base with these items, oldest first.
// A compaction with `covers` at the very beginning stands for what came before it.
func Chain(items []json.RawMessage, base Digest, length uint64) (Digest, uint64, error) {
	history := base
	for _, item := range items {
		if history == EmptyHistory {
			covers, err := coversOf(item)
			if err != nil {
				return "", 0, err
			}
			if covers != nil {
				history, length = covers.Digest, covers.Length
			}
		}
		link, err := ItemDigest(item)
		if err != nil {
			return "", 0, err
		}
		if history, err = Extend(history, link); err != nil {
			return "", 0, err
		}
		length++
	}
	_, err := digestBytes(history)
	return history, length, err
}

func coversOf(item []byte) (*Covers, error) {
	members, err := readObject(item)
	if err != nil || members["type"] != "compaction" || members["covers"] == nil {
		return nil, err
	}
	var compaction struct {
		Covers *Covers `json:"covers"`
	}
	err = json.Unmarshal(item, &compaction)
	return compaction.Covers, err
}

// CanonicalItem returns the text that is hashed for an item.
func CanonicalItem(item []byte) ([]byte, error) {
	members, err := readObject(item)
	if err != nil {
		return nil, err
	}
	kind, isText := members["type"].(string)
	if !isText {
		return nil, errors.New("an item's `type` must be a string")
	}
	rules, known := itemRules[kind]
	if !known {
		return canonical(without(members, func(name string) bool { return openItemLeaves[name] }))
	}
	if text, isText := members["content"].(string); isText && kind == "message" {
		// A text equals its one-part form.
		part := "input_text"
		if members["role"] == "assistant" {
			part = "output_text"
		}
		members["content"] = []any{map[string]any{"type": part, "text": text}}
	}
	form, err := knownForm(rules, members, kind)
	if err != nil {
		return nil, err
	}
	return canonical(form)
}

// CanonicalContext returns the text that is hashed for a context.
func CanonicalContext(context []byte) ([]byte, error) {
	members, err := readObject(context)
	if err != nil {
		return nil, err
	}
	_, base := members["base"]
	if _, patch := members["patch"]; base && patch {
		return nil, errors.New("a context patch has no digest of its own; apply it to its base first")
	}
	return canonical(without(members, func(name string) bool { return members[name] == nil && contextMembers[name] }))
}

func readObject(data []byte) (map[string]any, error) {
	value, err := readStrict(data)
	if err != nil {
		return nil, err
	}
	members, isObject := value.(map[string]any)
	if !isObject {
		return nil, errors.New("an item or a context must be an object")
	}
	return members, nil
}

func without(members map[string]any, leaves func(name string) bool) map[string]any {
	form := map[string]any{}
	for name, value := range members {
		if !leaves(name) {
			form[name] = value
		}
	}
	return form
}

func knownForm(rules []rule, members map[string]any, kind string) (map[string]any, error) {
	form := map[string]any{}
	for _, rule := range rules {
		switch value := members[rule.name].(type) {
		case nil:
			if !rule.required {
				continue
			}
		case string:
			if rule.text {
				form[rule.name] = value
				continue
			}
		case []any:
			if rule.parts != "" {
				parts := make([]any, 0, len(value))
				for _, inner := range value {
					part, err := partForm(rule.parts, inner)
					if err != nil {
						return nil, err
					}
					parts = append(parts, part)
				}
				form[rule.name] = parts
				continue
			}
		}
		return nil, fmt.Errorf("`%s` of a %s is missing or has no canonical form", rule.name, kind)
	}
	return form, nil
}

func partForm(definition string, value any) (any, error) {
	part, _ := value.(map[string]any)
	kind, isText := part["type"].(string)
	if !isText {
		return nil, errors.New("a part must be an object with a `type`")
	}
	rules, plain := plainRules[definition]
	if !plain {
		known := false
		if rules, known = partRules[definition][kind]; !known {
			return part, nil
		}
	}
	return knownForm(rules, part, kind)
}

func hashed(data []byte, err error) (Digest, error) {
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return digestPrefix + base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func digestBytes(digest Digest) ([]byte, error) {
	text := strings.TrimPrefix(digest, digestPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sha256.Size || len(text)+len(digestPrefix) != len(digest) || len(text) != 43 {
		return nil, fmt.Errorf("not a digest: expected %q and 43 characters of base64url, got %.80q", digestPrefix, digest)
	}
	return raw, nil
}
