package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

type checkOptions struct {
	// Where the picture of an illegal key goes.
	pictures string
	// For one key.
	timeout time.Duration
}

type verdict struct {
	Key        string `json:"key"`
	Operations int    `json:"operations"`
	// Writes of unknown outcome among them.
	Unknown int `json:"unknown"`
	// "ok", "illegal" or "undecided".
	Verdict string `json:"verdict"`
	// Of an illegal key, if it is one of the shortest: what is wrong, as far as a sentence can say
	// it, and the path of the picture.
	Reason  string  `json:"reason,omitempty"`
	Picture string  `json:"picture,omitempty"`
	Seconds float64 `json:"seconds"`
}

type report struct {
	Keys       int `json:"keys"`
	Operations int `json:"operations"`
	Ok         int `json:"ok"`
	Illegal    int `json:"illegal"`
	Undecided  int `json:"undecided"`
	// The worst first.
	Verdicts []verdict `json:"verdicts"`
}

// explainedMax is how many illegal keys get a reason and a picture: where everything is broken, a
// few short examples say as much as hundreds, and each costs time.
const explainedMax = 8

// check decides every key alone, as many at a time as there are processors.
func check(recorded recording, options checkOptions) (report, error) {
	keys := partition(recorded)
	verdicts := make([]verdict, len(keys))
	var group sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for index, key := range keys {
		turns <- struct{}{}
		group.Go(func() {
			verdicts[index] = decide(key, options)
			<-turns
		})
	}
	group.Wait()
	for _, index := range shortestIllegal(keys, verdicts) {
		if err := explain(keys[index], recorded.faults, options, &verdicts[index]); err != nil {
			return report{}, err
		}
	}
	return summarize(verdicts), nil
}

func shortestIllegal(keys []*keyHistory, verdicts []verdict) []int {
	var illegal []int
	for index, one := range verdicts {
		if one.Verdict == "illegal" {
			illegal = append(illegal, index)
		}
	}
	slices.SortStableFunc(illegal, func(a, b int) int {
		return cmp.Compare(len(keys[a].calls), len(keys[b].calls))
	})
	return illegal[:min(len(illegal), explainedMax)]
}

func summarize(verdicts []verdict) report {
	rank := map[string]int{"illegal": 0, "undecided": 1, "ok": 2}
	slices.SortStableFunc(verdicts, func(a, b verdict) int {
		explained := func(one verdict) int { return min(1, len(one.Reason)) }
		return cmp.Or(
			cmp.Compare(rank[a.Verdict], rank[b.Verdict]),
			cmp.Compare(explained(b), explained(a)),
			cmp.Compare(a.Operations, b.Operations),
		)
	})
	summary := report{Keys: len(verdicts), Verdicts: verdicts}
	for _, one := range verdicts {
		summary.Operations += one.Operations
		switch one.Verdict {
		case "ok":
			summary.Ok++
		case "illegal":
			summary.Illegal++
		default:
			summary.Undecided++
		}
	}
	return summary
}

// keyHistory is what happened to one key, as porcupine takes it.
type keyHistory struct {
	key        string
	names      *names
	calls      []*call
	operations []porcupine.Operation
	unknown    int
}

// partition cuts a history by key. What certainly did not happen is left out, and so are reads
// without an answer.
func partition(recorded recording) []*keyHistory {
	byKey := make(map[string]*keyHistory)
	var keys []*keyHistory
	for _, one := range recorded.calls {
		key := byKey[one.invoke.Key]
		if key == nil {
			key = &keyHistory{key: one.invoke.Key, names: newNames()}
			byKey[one.invoke.Key] = key
			keys = append(keys, key)
		}
		if counts(one) {
			key.calls = append(key.calls, one)
		} else if one.invoke.Kind == "put" {
			key.names.refused[key.names.valueID(one.invoke.Value)] = true
		}
	}
	for _, key := range keys {
		key.convert(recorded.end)
	}
	return keys
}

func counts(one *call) bool {
	if one.complete == nil || one.complete.Outcome == "unknown" {
		return one.invoke.Kind != "get"
	}
	return one.complete.Outcome == "ok"
}

// convert makes porcupine's operations of the calls, closed by the marker.
func (key *keyHistory) convert(end int64) {
	infinity := end + 2
	for _, one := range key.calls {
		key.learn(one)
		operation := porcupine.Operation{
			ClientId: one.invoke.Process,
			Input:    key.inputOf(one.invoke),
			Call:     one.invoke.Time,
			Output:   output{result: resultUnknown},
			Return:   infinity,
			Metadata: fmt.Sprintf("operation %d through %s", one.invoke.ID, one.invoke.Node),
		}
		if one.complete != nil && one.complete.Outcome == "ok" {
			operation.Output = key.outputOf(one)
			operation.Return = one.complete.Time
		} else {
			key.unknown++
		}
		key.operations = append(key.operations, operation)
	}
	key.operations = append(key.operations, porcupine.Operation{
		Input:  input{kind: kindEnd, names: key.names},
		Call:   end + 1,
		Output: output{},
		Return: infinity,
	})
}

func (key *keyHistory) inputOf(invoke line) input {
	kinds := map[string]kind{"get": kindGet, "put": kindPut, "delete": kindDelete}
	given := input{
		kind:     kinds[invoke.Kind],
		ifMatch:  key.names.versionID(invoke.IfMatch),
		ifAbsent: invoke.IfNoneMatch == "*",
		names:    key.names,
	}
	if given.kind == kindPut {
		given.value = key.names.valueID(invoke.Value)
	}
	return given
}

func (key *keyHistory) outputOf(one *call) output {
	answered := output{version: key.names.versionID(one.complete.Etag)}
	switch one.complete.Status {
	case 412:
		answered.result = resultFailed
	case 404:
		answered.result = resultAbsent
	case 204:
		answered.result = resultDeleted
	case 201:
		answered.result = resultCreated
	case 200:
		answered.result = resultReplaced
		if one.invoke.Kind == "get" {
			answered.result = resultValue
			answered.value = key.names.valueID(one.complete.Value)
		}
	}
	return answered
}

// learn notes what a call says about values and their versions.
func (key *keyHistory) learn(one *call) {
	names := key.names
	if one.invoke.Kind == "put" {
		names.written[names.valueID(one.invoke.Value)] = true
	}
	if one.complete == nil || one.complete.Outcome != "ok" {
		return
	}
	if one.complete.Status != 200 && one.complete.Status != 201 {
		return
	}
	value := one.invoke.Value
	if one.invoke.Kind == "get" {
		value = one.complete.Value
	}
	names.belong(names.valueID(value), names.versionID(one.complete.Etag))
}

func decide(key *keyHistory, options checkOptions) verdict {
	started := time.Now()
	decided := verdict{Key: key.key, Operations: len(key.calls), Unknown: key.unknown}
	reduced := reduce(key.operations)
	result := porcupine.CheckOperationsTimeout(newModel(), reduced, options.timeout)
	decided.Verdict = map[porcupine.CheckResult]string{
		porcupine.Ok:      "ok",
		porcupine.Illegal: "illegal",
		porcupine.Unknown: "undecided",
	}[result]
	if key.names.contradiction != "" {
		decided.Verdict = "illegal"
	}
	decided.Seconds = time.Since(started).Seconds()
	return decided
}

// explain searches once more, now with the partial orders that the reason and the picture show.
func explain(key *keyHistory, faults []line, options checkOptions, decided *verdict) error {
	decided.Reason = reasonOf(key, reduce(key.operations), options.timeout)
	decided.Picture = filepath.Join(options.pictures, fileName(key.key))
	return draw(key, faults, decided.Picture)
}

// pictureTimeout bounds the search for the orders that a picture shows, which has all operations.
const pictureTimeout = 4 * time.Second

func draw(key *keyHistory, faults []line, path string) error {
	_, info := porcupine.CheckOperationsVerbose(newModel(), key.operations, pictureTimeout)
	info.AddAnnotations(annotationsOf(faults))
	if err := porcupine.VisualizePath(newModel(), info, path); err != nil {
		return fmt.Errorf("cannot draw %s: %w", path, err)
	}
	return nil
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func fileName(key string) string {
	return unsafeInName.ReplaceAllString(key, "_") + ".html"
}

// reasonOf names what no order explains: a wrong version, a value that nobody wrote, or the answer
// that ends the longest order that could be found.
func reasonOf(key *keyHistory, reduced []porcupine.Operation, timeout time.Duration) string {
	if key.names.contradiction != "" {
		return key.names.contradiction
	}
	for _, one := range key.operations {
		out := one.Output.(output)
		if out.result != resultValue || key.names.written[out.value] {
			continue
		}
		if key.names.refused[out.value] {
			return describe(one) + ": a value whose put was refused"
		}
		return describe(one) + ": a value that nobody wrote"
	}
	_, info := porcupine.CheckOperationsVerbose(newModel(), reduced, timeout)
	return "no order explains " + strings.Join(stuckAt(reduced, info), "; ")
}

const stuckMax = 3

// stuckAt gives the first answers that the longest partial order leaves out.
func stuckAt(operations []porcupine.Operation, info porcupine.LinearizationInfo) []string {
	placed := make(map[int]bool)
	for _, partials := range info.PartialLinearizations() {
		for _, partial := range partials {
			if len(partial) <= len(placed) {
				continue
			}
			clear(placed)
			for _, id := range partial {
				placed[id] = true
			}
		}
	}
	var left []porcupine.Operation
	for id, one := range operations {
		if !placed[id] && one.Output.(output).result != resultUnknown {
			left = append(left, one)
		}
	}
	slices.SortFunc(left, func(a, b porcupine.Operation) int {
		return cmp.Compare(a.Return, b.Return)
	})
	var texts []string
	for _, one := range left[:min(stuckMax, len(left))] {
		texts = append(texts, describe(one))
	}
	return texts
}

func describe(one porcupine.Operation) string {
	text := describeOperation(one.Input, one.Output)
	return fmt.Sprintf("%s (%v, %.6f s to %.6f s)",
		text, one.Metadata, float64(one.Call)/1e9, float64(one.Return)/1e9)
}

// annotationsOf shows the faults above the operations, each from its begin to its end.
func annotationsOf(faults []line) []porcupine.Annotation {
	var annotations []porcupine.Annotation
	open := make(map[string]int)
	for _, one := range faults {
		name := one.Fault + " " + one.Text
		if begun, known := open[name]; known && one.Phase == "end" {
			annotations[begun].End = one.Time
			delete(open, name)
			continue
		}
		open[name] = len(annotations)
		annotations = append(annotations, porcupine.Annotation{
			Tag:         "faults",
			Start:       one.Time,
			Description: name,
		})
	}
	return annotations
}
