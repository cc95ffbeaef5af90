package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// Goal: neither the way in which unknown writes are placed nor what is left out changes a verdict.
// Method: small random histories, many of them spoilt, judged once more by a plain model in which
// an unknown write may happen or not wherever it is placed; the verdicts must be the same.

func plainModel() porcupine.Model {
	plain := porcupine.NondeterministicModel{
		Init: func() []any { return []any{register{}} },
		Step: func(before, given, answered any) []any {
			from, in, out := before.(register), given.(input), answered.(output)
			if in.kind == kindEnd {
				return []any{from}
			}
			if out.result != resultUnknown {
				if next, ok := answer(from, in, out); ok {
					return []any{next}
				}
				return nil
			}
			if next, happens := effect(from, in); happens {
				return []any{from, next}
			}
			return []any{from}
		},
	}
	return plain.ToModel()
}

// drawHistory makes a history of one key as a correct ring could give it.
func drawHistory(random *rand.Rand) []*call {
	var held register
	var calls []*call
	versions := []string{"none"}
	at := int64(0)
	for id := 1; id <= 3+random.IntN(8); id++ {
		at += 1 + random.Int64N(4)
		one := &call{invoke: line{ID: id, Process: id, Key: "k", Time: at - random.Int64N(12)}}
		drawRequest(random, one, versions)
		if answered := respond(one, &held, &versions); random.IntN(4) > 0 {
			one.complete = &answered
			one.complete.Time = at + random.Int64N(12)
		} else if random.IntN(2) == 0 {
			one.complete = &line{Outcome: "unknown", Time: at + random.Int64N(8)}
		}
		calls = append(calls, one)
	}
	return calls
}

func drawRequest(random *rand.Rand, one *call, versions []string) {
	one.invoke.Kind = []string{"get", "put", "put", "delete"}[random.IntN(4)]
	if one.invoke.Kind == "put" {
		one.invoke.Value = fmt.Sprint("v", one.invoke.ID)
	}
	if one.invoke.Kind == "get" {
		return
	}
	switch random.IntN(4) {
	case 0:
		one.invoke.IfNoneMatch = "*"
	case 1:
		if version := versions[random.IntN(len(versions))]; version != "none" {
			one.invoke.IfMatch = version
		}
	}
}

// respond lets the register answer. Its version is the number of the put that made it.
func respond(one *call, held *register, versions *[]string) line {
	present := held.value != 0
	etag := ""
	if present {
		etag = fmt.Sprint("e", held.value)
	}
	answered := line{Outcome: "ok", Etag: etag}
	given := one.invoke
	refused := (given.IfNoneMatch != "" && present) || (given.IfMatch != "" && given.IfMatch != etag)
	switch {
	case refused:
		answered.Status = 412
	case given.Kind == "put":
		answered.Status = map[bool]int{true: 200, false: 201}[present]
		held.value = int32(given.ID)
		answered.Etag = fmt.Sprint("e", given.ID)
		*versions = append(*versions, answered.Etag)
	case !present:
		answered.Status = 404
	case given.Kind == "get":
		answered.Status = 200
		answered.Value = fmt.Sprint("v", held.value)
	default:
		answered = line{Outcome: "ok", Status: 204}
		held.value = 0
	}
	return answered
}

// spoil gives one operation the answer of another one of its kind, or moves it.
func spoil(random *rand.Rand, calls []*call) {
	one, other := calls[random.IntN(len(calls))], calls[random.IntN(len(calls))]
	if one.complete == nil || one.complete.Outcome != "ok" {
		return
	}
	if random.IntN(2) == 0 {
		shift := random.Int64N(20)
		one.invoke.Time += shift
		one.complete.Time += shift
		return
	}
	if other.complete == nil || other.complete.Outcome != "ok" {
		return
	}
	if other.invoke.Kind != one.invoke.Kind || one.complete.Status == 201 {
		return
	}
	if one.invoke.Kind == "put" && one.complete.Status != other.complete.Status {
		return
	}
	time := one.complete.Time
	spoilt := *other.complete
	spoilt.Time = time
	if one.invoke.Kind != "put" || spoilt.Status == 412 {
		one.complete = &spoilt
	}
}

func TestVerdictsOfThePlainModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	illegal := 0
	for round := range 20_000 {
		calls := drawHistory(random)
		for range random.IntN(4) {
			spoil(random, calls)
		}
		recorded := recording{calls: calls, end: 1_000}
		key := partition(recorded)[0]
		if key.names.contradiction != "" {
			continue
		}
		plain := porcupine.CheckOperations(plainModel(), key.operations)
		quick := porcupine.CheckOperations(newModel(), reduce(key.operations))
		if plain != quick {
			for _, one := range key.operations {
				t.Log(describe(one), one.Call, one.Return)
			}
			t.Fatalf("seed %d, round %d: the plain model says %v, this one %v", seed, round, plain, quick)
		}
		if !plain {
			illegal++
		}
	}
	t.Logf("%d of 20000 histories were illegal", illegal)
	if illegal < 500 {
		t.Errorf("only %d histories were illegal", illegal)
	}
}
