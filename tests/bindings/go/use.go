package main

import (
	"encoding/json"
	"fmt"

	"example.test/proof/segue"
)

// use is what a user of the types writes: a message made, sent, read and told apart.
func use() []string {
	start := &segue.TurnStart{
		Turn: "t_1",
		Input: segue.Items{
			&segue.MessageItem{Role: segue.MessageItemRoleUser, Content: segue.TextOrContentParts{Text: segue.Ptr("a < b")}},
			&segue.Unknown{Raw: json.RawMessage(`{"type":"vendor:x","n":[1, null]}`)},
		},
		Retention: segue.Ptr(segue.RetentionCached),
		Context:   &segue.ContextForm{TurnContext: &segue.TurnContext{Model: segue.Ptr("m"), Temperature: segue.Ptr(0.5)}},
	}
	sent, err := segue.Marshal(start)
	told := []string{string(sent), fmt.Sprint(err)}
	// What is missing or excludes another is refused when it is written, too.
	for _, wrong := range []any{
		&segue.TurnStart{Input: segue.Items{&segue.Unknown{}}},
		&segue.ItemDelta{Turn: "t_1", Append: segue.Ptr("x"), Put: segue.JsonValue("1")},
		&segue.ItemStarted{Turn: "t_1"},
	} {
		_, err := segue.Marshal(wrong)
		told = append(told, fmt.Sprint(err != nil))
	}
	for _, text := range []string{
		`{"type":"turn.progress","turn":"t_1","phase":"thinking","x":1}`,
		`{"type":"segue.future","n":1.0}`,
	} {
		message, err := segue.ParseServerMessage([]byte(text))
		switch message := message.(type) {
		case *segue.TurnProgress:
			told = append(told, message.Phase, string(message.UnknownMembers["x"]))
		case *segue.Unknown:
			told = append(told, message.Tag(), string(message.Raw))
		default:
			told = append(told, fmt.Sprint(err))
		}
	}
	return told
}
