package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// line is one line of a history. Which fields it has depends on its type; see hack/live/history.ts.
type line struct {
	Type string `json:"type"`
	// Nanoseconds of one monotonic clock.
	Time int64 `json:"time"`

	// Of "invoke".
	ID          int    `json:"id"`
	Process     int    `json:"process"`
	Node        string `json:"node"`
	Kind        string `json:"kind"`
	Key         string `json:"key"`
	Value       string `json:"value"`
	IfMatch     string `json:"ifMatch"`
	IfNoneMatch string `json:"ifNoneMatch"`

	// Of "complete", beside id and value.
	Outcome string `json:"outcome"`
	Status  int    `json:"status"`
	Etag    string `json:"etag"`

	// Of "fault".
	Fault string `json:"fault"`
	Phase string `json:"phase"`
	Text  string `json:"text"`
}

// call is an operation as its client saw it: the invocation and, if there was one, its end.
type call struct {
	invoke   line
	complete *line
}

// recording is a whole history: the operations in the order of their invocations, and the faults.
type recording struct {
	calls  []*call
	faults []line
	// The latest time in it.
	end int64
	// Keys with the values that are put under them: a value stands for one write.
	put map[[2]string]bool
}

const lineBytesMax = 16 << 20

func readHistory(input io.Reader) (recording, error) {
	scanner := bufio.NewScanner(input)
	scanner.Buffer(make([]byte, 1<<16), lineBytesMax)
	recorded := recording{put: make(map[[2]string]bool)}
	byID := make(map[int]*call)
	number := 0
	for scanner.Scan() {
		number++
		if len(scanner.Bytes()) == 0 {
			continue
		}
		var one line
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			return recording{}, fmt.Errorf("line %d is no JSON of the expected form: %w", number, err)
		}
		if err := recorded.add(one, byID); err != nil {
			return recording{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return recording{}, err
	}
	if len(recorded.calls) == 0 {
		return recording{}, fmt.Errorf("the history has no operation")
	}
	return recorded, nil
}

func (recorded *recording) add(one line, byID map[int]*call) error {
	recorded.end = max(recorded.end, one.Time)
	switch one.Type {
	case "test":
		return nil
	case "fault":
		recorded.faults = append(recorded.faults, one)
		return nil
	case "invoke":
		return recorded.invoke(one, byID)
	case "complete":
		return recorded.complete(one, byID)
	default:
		return fmt.Errorf("type %q is unknown", one.Type)
	}
}

func (recorded *recording) invoke(one line, byID map[int]*call) error {
	if byID[one.ID] != nil {
		return fmt.Errorf("operation %d is invoked a second time", one.ID)
	}
	if one.Key == "" {
		return fmt.Errorf("operation %d has no key", one.ID)
	}
	if one.Kind == "put" && one.Value == "" {
		return fmt.Errorf("operation %d puts no value", one.ID)
	}
	if one.Kind != "put" && one.Kind != "get" && one.Kind != "delete" {
		return fmt.Errorf("operation %d is of unknown kind %q", one.ID, one.Kind)
	}
	if one.IfNoneMatch != "" && one.IfNoneMatch != "*" {
		return fmt.Errorf("operation %d: If-None-Match can only be *", one.ID)
	}
	if one.Kind == "put" {
		if recorded.put[[2]string{one.Key, one.Value}] {
			return fmt.Errorf("operation %d puts a value that was put before", one.ID)
		}
		recorded.put[[2]string{one.Key, one.Value}] = true
	}
	created := &call{invoke: one}
	byID[one.ID] = created
	recorded.calls = append(recorded.calls, created)
	return nil
}

func (recorded *recording) complete(one line, byID map[int]*call) error {
	matching := byID[one.ID]
	if matching == nil {
		return fmt.Errorf("operation %d ends without having begun", one.ID)
	}
	if matching.complete != nil {
		return fmt.Errorf("operation %d ends a second time", one.ID)
	}
	if one.Time < matching.invoke.Time {
		return fmt.Errorf("operation %d ends before it begins", one.ID)
	}
	if err := checkOutcome(one, matching.invoke.Kind); err != nil {
		return fmt.Errorf("operation %d: %w", one.ID, err)
	}
	matching.complete = &one
	return nil
}

// answers are the statuses that say what an operation did.
var answers = map[string]map[int]bool{
	"get":    {200: true, 404: true},
	"put":    {200: true, 201: true, 412: true},
	"delete": {204: true, 404: true, 412: true},
}

func checkOutcome(one line, kind string) error {
	switch one.Outcome {
	case "refused", "unknown":
		return nil
	case "ok":
	default:
		return fmt.Errorf("outcome %q is unknown", one.Outcome)
	}
	if !answers[kind][one.Status] {
		return fmt.Errorf("status %d is no answer to a %s", one.Status, kind)
	}
	named := one.Status == 200 || one.Status == 201
	if named && one.Etag == "" {
		return fmt.Errorf("the answer has no ETag")
	}
	if kind == "get" && one.Status == 200 && one.Value == "" {
		return fmt.Errorf("the answer has no value")
	}
	return nil
}
