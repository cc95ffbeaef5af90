package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Goal: legal histories pass, and each kind of violation is found and named. Method: small made
// histories of one key; in the pictures below time runs to the right.

// story builds a history; each operation takes the interval [from, to].
type story struct {
	lines []string
	id    int
}

type answered struct {
	status int
	etag   string
	value  string
}

func (told *story) operation(from, to int, request string, outcome string) {
	told.id++
	told.lines = append(told.lines, fmt.Sprintf(
		`{"type":"invoke","time":%d,"id":%d,"process":%d,"node":"n","key":"k",%s}`,
		from, told.id, told.id, request))
	if to > 0 {
		told.lines = append(told.lines, fmt.Sprintf(
			`{"type":"complete","time":%d,"id":%d,%s}`, to, told.id, outcome))
	}
}

func (told *story) ok(from, to int, request string, answer answered) {
	told.operation(from, to, request, fmt.Sprintf(
		`"outcome":"ok","status":%d,"etag":%q,"value":%q`, answer.status, answer.etag, answer.value))
}

// unknown operations: the client gives up at `to`, or never learns anything when it is 0.
func (told *story) unknown(from, to int, request string) {
	told.operation(from, to, request, `"outcome":"unknown","status":504`)
}

func (told *story) refused(from, to int, request string) {
	told.operation(from, to, request, `"outcome":"refused","status":503`)
}

const (
	get     = `"kind":"get"`
	remove  = `"kind":"delete"`
	deleted = 204
)

func put(value string) string { return fmt.Sprintf(`"kind":"put","value":%q`, value) }

func putIf(value, etag string) string { return put(value) + fmt.Sprintf(`,"ifMatch":%q`, etag) }

func putNew(value string) string { return put(value) + `,"ifNoneMatch":"*"` }

func read(value, etag string) answered { return answered{status: 200, value: value, etag: etag} }

func created(etag string) answered  { return answered{status: 201, etag: etag} }
func replaced(etag string) answered { return answered{status: 200, etag: etag} }
func failedBy(etag string) answered { return answered{status: 412, etag: etag} }

var (
	absent = answered{status: 404}
	gone   = answered{status: deleted}
)

func judge(t *testing.T, tell func(*story)) verdict {
	t.Helper()
	var told story
	tell(&told)
	recorded, err := readHistory(strings.NewReader(strings.Join(told.lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	options := checkOptions{pictures: t.TempDir(), timeout: 10 * time.Second}
	report, err := check(recorded, options)
	if err != nil {
		t.Fatal(err)
	}
	return report.Verdicts[0]
}

func TestLegalHistories(t *testing.T) {
	stories := map[string]func(*story){
		"one after the other": func(told *story) {
			told.ok(1, 2, get, absent)
			told.ok(3, 4, put("a"), created("1"))
			told.ok(5, 6, get, read("a", "1"))
			told.ok(7, 8, put("b"), replaced("2"))
			told.ok(9, 10, remove, gone)
			told.ok(11, 12, get, absent)
			told.ok(13, 14, remove, absent)
		},
		"a read beside a write sees the old or the new value": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 10, put("b"), replaced("2"))
			told.ok(4, 5, get, read("a", "1"))
			told.ok(6, 7, get, read("b", "2"))
		},
		"one of two compare-and-sets wins": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 6, putIf("b", "1"), replaced("2"))
			told.ok(3, 6, putIf("c", "1"), failedBy("2"))
			told.ok(7, 8, get, read("b", "2"))
		},
		"one of two creations wins": func(told *story) {
			told.ok(1, 4, putNew("a"), created("1"))
			told.ok(1, 4, putNew("b"), failedBy("1"))
		},
		"a write of unknown outcome takes effect late": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, put("b"))
			told.ok(5, 6, get, read("a", "1"))
			told.ok(7, 8, get, read("b", "2"))
		},
		"or never": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, put("b"))
			told.unknown(3, 0, remove)
			told.ok(5, 6, get, read("a", "1"))
			told.ok(7, 8, get, read("a", "1"))
		},
		"or is overwritten unseen": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, remove, gone)
			told.unknown(5, 6, put("b"))
			told.ok(7, 8, put("c"), replaced("3"))
			told.ok(9, 10, get, read("c", "3"))
		},
		"a delete of unknown outcome makes a create possible": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, remove)
			told.ok(5, 6, putNew("b"), created("2"))
		},
		"two writes of unknown outcome, the second resting on the first": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, remove)
			told.unknown(5, 6, putNew("b"))
			told.ok(7, 8, get, read("b", "2"))
		},
		"the version of an unknown write becomes known by a refusal": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, put("b"))
			told.ok(5, 6, putIf("c", "1"), failedBy("2"))
			told.ok(7, 8, putIf("d", "2"), replaced("3"))
			told.ok(9, 10, get, read("d", "3"))
		},
		"a compare-and-set of unknown outcome took effect": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, putIf("b", "1"))
			told.ok(5, 6, putIf("c", "1"), failedBy("2"))
			told.ok(7, 8, get, read("b", "2"))
		},
		"a read without an answer says nothing": func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, get)
			told.refused(3, 4, get)
			told.refused(3, 4, put("b"))
			told.ok(5, 6, get, read("a", "1"))
		},
	}
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			if one := judge(t, tell); one.Verdict != "ok" {
				t.Errorf("%s: %s", one.Verdict, one.Reason)
			}
		})
	}
}

type violation struct {
	tell   func(*story)
	reason string
}

func TestViolations(t *testing.T) {
	violations := map[string]violation{
		"stale read": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, put("b"), replaced("2"))
			told.ok(5, 6, get, read("a", "1"))
		}, "get → a, version 1"},
		"a value seen, then the one before it": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 20, put("b"), replaced("2"))
			told.ok(4, 5, get, read("b", "2"))
			told.ok(6, 7, get, read("a", "1"))
		}, "get → a, version 1"},
		"lost write": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, get, absent)
		}, "get → absent"},
		"lost delete": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, remove, gone)
			told.ok(5, 6, get, read("a", "1"))
		}, "get → a, version 1"},
		"resurrected value": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, remove, gone)
			told.ok(5, 6, get, absent)
			told.ok(7, 8, get, read("a", "1"))
		}, "get → a, version 1"},
		"two winners of one compare-and-set": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 6, putIf("b", "1"), replaced("2"))
			told.ok(3, 6, putIf("c", "1"), replaced("3"))
		}, "if 1"},
		"two winners of one creation": {func(told *story) {
			told.ok(1, 4, putNew("a"), created("1"))
			told.ok(1, 4, putNew("b"), created("2"))
		}, "if absent"},
		"a refusal without a reason": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, putIf("b", "1"), failedBy("1"))
		}, "refused, it is 1"},
		"a value that nobody wrote": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, get, read("z", "2"))
		}, "nobody wrote"},
		"a value whose put was refused": {func(told *story) {
			told.refused(1, 2, put("a"))
			told.ok(3, 4, get, read("a", "1"))
		}, "was refused"},
		"a write that takes effect twice": {func(told *story) {
			told.unknown(1, 2, put("a"))
			told.ok(3, 4, get, read("a", "1"))
			told.ok(5, 6, put("b"), replaced("2"))
			told.ok(7, 8, get, read("a", "3"))
		}, "a was seen with the versions 1 and 3"},
		"a version of two writes": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.ok(3, 4, put("b"), replaced("1"))
		}, "version 1 was seen with a and b"},
		"a creation that says that it replaced": {func(told *story) {
			told.ok(1, 2, put("a"), replaced("1"))
		}, "replaced 1"},
		"a write seen before it begins": {func(told *story) {
			told.ok(1, 2, get, absent)
			told.ok(3, 4, remove, gone)
			told.unknown(5, 6, put("a"))
		}, "delete → deleted"},
		"one unknown delete cannot explain two absences": {func(told *story) {
			told.ok(1, 2, put("a"), created("1"))
			told.unknown(3, 4, remove)
			told.ok(5, 6, get, absent)
			told.ok(7, 8, put("b"), created("2"))
			told.ok(9, 10, get, absent)
		}, "get → absent"},
	}
	for name, one := range violations {
		t.Run(name, func(t *testing.T) {
			found := judge(t, one.tell)
			if found.Verdict != "illegal" || !strings.Contains(found.Reason, one.reason) {
				t.Fatalf("%s: %q lacks %q", found.Verdict, found.Reason, one.reason)
			}
			picture, err := os.ReadFile(found.Picture)
			if err != nil || !strings.Contains(string(picture), "<html") {
				t.Errorf("no picture at %q: %v", found.Picture, err)
			}
		})
	}
}

// Many writes of unknown outcome are what makes such searches explode.
func TestManyUnknownWrites(t *testing.T) {
	tell := func(last answered) func(*story) {
		return func(told *story) {
			told.ok(1, 2, put("first"), created("1"))
			for index := range 40 {
				told.unknown(3, 0, put(fmt.Sprint("unknown", index)))
			}
			for index := range 300 {
				at := 10 + 10*index
				told.ok(at, at+8, put(fmt.Sprint("known", index)), replaced(fmt.Sprint("k", index)))
				told.ok(at+1, at+9, get, read(fmt.Sprint("known", index), fmt.Sprint("k", index)))
			}
			told.ok(9000, 9001, get, last)
		}
	}
	if one := judge(t, tell(read("unknown7", "u"))); one.Verdict != "ok" {
		t.Errorf("%s: %s", one.Verdict, one.Reason)
	}
	if one := judge(t, tell(read("known3", "k3"))); one.Verdict != "illegal" {
		t.Errorf("%s: a read of a value long overwritten", one.Verdict)
	}
	if one := judge(t, tell(absent)); one.Verdict != "illegal" {
		t.Errorf("%s: a value lost", one.Verdict)
	}
}

// A node that wakes up answers everything that waited for it, nearly at once.
func TestManyReadsAtOnce(t *testing.T) {
	tell := func(last answered) func(*story) {
		return func(told *story) {
			told.ok(1, 2, put("first"), created("1"))
			told.ok(10, 1010, remove, gone)
			told.ok(11, 1011, put("second"), created("2"))
			told.ok(12, 1012, remove, gone)
			for index := range 30 {
				told.ok(20+index, 1020+index, get, absent)
				told.ok(20+index, 1020+index, get, read("second", "2"))
			}
			told.ok(2000, 2001, get, last)
		}
	}
	if one := judge(t, tell(absent)); one.Verdict != "ok" {
		t.Errorf("%s: %s", one.Verdict, one.Reason)
	}
	if one := judge(t, tell(read("first", "1"))); one.Verdict != "illegal" {
		t.Errorf("%s: a value that was deleted", one.Verdict)
	}
}

func TestKeysAreJudgedAlone(t *testing.T) {
	history := strings.Join([]string{
		`{"type":"test","time":0,"seed":7}`,
		`{"type":"invoke","time":1,"id":1,"process":1,"node":"n","kind":"get","key":"good/key"}`,
		`{"type":"fault","time":2,"fault":"kill","phase":"begin","text":"node-1"}`,
		`{"type":"complete","time":3,"id":1,"outcome":"ok","status":404}`,
		`{"type":"invoke","time":4,"id":2,"process":1,"node":"n","kind":"delete","key":"bad/key"}`,
		`{"type":"complete","time":5,"id":2,"outcome":"ok","status":204}`,
		`{"type":"fault","time":6,"fault":"kill","phase":"end","text":"node-1"}`,
	}, "\n")
	directory := t.TempDir()
	path := filepath.Join(directory, "history.jsonl")
	if err := os.WriteFile(path, []byte(history), 0o600); err != nil {
		t.Fatal(err)
	}
	var output, problems strings.Builder
	code := run([]string{"-history", path, "-pictures", directory}, &output, &problems)
	if code != exitIllegal {
		t.Fatalf("exit code %d: %s", code, problems.String())
	}
	for _, text := range []string{`"keys": 2`, `"ok": 1`, `"illegal": 1`, "bad_key.html"} {
		if !strings.Contains(output.String(), text) {
			t.Errorf("%s is not in %s", text, output.String())
		}
	}
}

func TestBadInput(t *testing.T) {
	invoke := `{"type":"invoke","time":2,"id":1,"process":1,"kind":"put","key":"k","value":"a"}`
	again := strings.Replace(invoke, `"id":1`, `"id":2`, 1)
	end := func(time int, outcome string) string {
		return fmt.Sprintf("%s\n{\"type\":\"complete\",\"time\":%d,\"id\":1,%s}", invoke, time, outcome)
	}
	histories := map[string]string{
		"no JSON":               `{`,
		"no operation":          `{"type":"test","time":0}`,
		"unknown type":          `{"type":"begin","time":0}`,
		"invoked twice":         invoke + "\n" + invoke,
		"a value is put twice":  invoke + "\n" + again,
		"no begin":              `{"type":"complete","time":1,"id":1,"outcome":"unknown"}`,
		"ends before it begins": end(1, `"outcome":"unknown"`),
		"unknown outcome":       end(3, `"outcome":"fine"`),
		"no such answer":        end(3, `"outcome":"ok","status":404`),
		"no version":            end(3, `"outcome":"ok","status":200`),
	}
	for name, history := range histories {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.jsonl")
			if err := os.WriteFile(path, []byte(history), 0o600); err != nil {
				t.Fatal(err)
			}
			var output, problems strings.Builder
			if code := run([]string{"-history", path}, &output, &problems); code != exitBadInput {
				t.Errorf("exit code %d", code)
			}
			if problems.String() == "" {
				t.Error("no word about what is wrong")
			}
		})
	}
	var output, problems strings.Builder
	if code := run([]string{"-history", "missing"}, &output, &problems); code != exitBadInput {
		t.Errorf("exit code %d for a missing file", code)
	}
}

func TestExitCodes(t *testing.T) {
	codes := map[int]report{
		exitOk:        {Keys: 1, Ok: 1},
		exitUndecided: {Keys: 2, Ok: 1, Undecided: 1},
		exitIllegal:   {Keys: 2, Illegal: 1, Undecided: 1},
	}
	for code, one := range codes {
		if found := exitCodeOf(one); found != code {
			t.Errorf("exit code %d instead of %d", found, code)
		}
	}
}
