// Reads cases from standard input, runs the generated package on them and writes what came out.
package main

import (
	"encoding/json"
	"log"
	"os"

	"example.test/proof/segue"
)

type example struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

type history struct {
	Items      []string `json:"items"`
	Base       *string  `json:"base"`
	BaseLength uint64   `json:"base_length"`
}

type cases struct {
	Examples  []example `json:"examples"`
	Items     []string  `json:"items"`
	Contexts  []string  `json:"contexts"`
	Histories []history `json:"histories"`
}

type chained struct {
	Digest string `json:"digest"`
	Length uint64 `json:"length"`
}

type results struct {
	Again     []*string `json:"again"`
	Items     []*string `json:"items"`
	Contexts  []*string `json:"contexts"`
	Histories []chained `json:"histories"`
	Use       []string  `json:"use"`
}

// again reads an example as its type and writes it again.
func again(data []byte, value any) ([]byte, error) {
	if err := json.Unmarshal(data, value); err != nil {
		return nil, err
	}
	return segue.Marshal(value)
}

// parsed does the same for a union.
func parsed[T any](data []byte, parse func([]byte) (T, error)) ([]byte, error) {
	value, err := parse(data)
	if err != nil {
		return nil, err
	}
	return segue.Marshal(value)
}

func orNil[T ~string | ~[]byte](value T, err error) *string {
	if err != nil {
		return nil
	}
	return segue.Ptr(string(value))
}

func main() {
	var given cases
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		log.Fatal(err)
	}
	var got results
	for _, e := range given.Examples {
		got.Again = append(got.Again, orNil(byType(e.Type, e.Data)))
	}
	for _, text := range given.Items {
		got.Items = append(got.Items, orNil(segue.ItemDigest([]byte(text))))
	}
	for _, text := range given.Contexts {
		got.Contexts = append(got.Contexts, orNil(segue.ContextDigest([]byte(text))))
	}
	for _, h := range given.Histories {
		base := segue.EmptyHistory
		if h.Base != nil {
			base = *h.Base
		}
		items := make([]json.RawMessage, 0, len(h.Items))
		for _, text := range h.Items {
			items = append(items, json.RawMessage(text))
		}
		digest, length, err := segue.Chain(items, base, h.BaseLength)
		if err != nil {
			log.Fatal(err)
		}
		got.Histories = append(got.Histories, chained{digest, length})
	}
	got.Use = use()
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		log.Fatal(err)
	}
}
