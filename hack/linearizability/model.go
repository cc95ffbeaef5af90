package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// The model of one key: a register that is absent or has a value and a version, with put, get,
// delete and compare-and-set by version.
//
// A write with an unknown outcome may take effect at any time after its invocation, or never. Its
// end is therefore put behind everything else, behind a marker that closes the history: what took
// no effect comes after the marker, where it harms nothing. Before the marker such a write is
// placed only where it explains something, that is directly before an answer that would not have
// been given without it. Every linearization can be brought into this form by moving the other
// ones behind the marker, so nothing is lost by it, and the search does not drown in all the
// orders of writes that nobody ever saw.

type kind uint8

const (
	kindGet kind = iota
	kindPut
	kindDelete
	// kindEnd closes the history.
	kindEnd
)

type result uint8

const (
	// resultUnknown: it may have happened or not.
	resultUnknown result = iota
	// resultValue: the get answered a value.
	resultValue
	// resultAbsent: there is no value.
	resultAbsent
	// resultCreated and resultReplaced: the put made a new key, or a new version of one.
	resultCreated
	resultReplaced
	// resultDeleted: there was a value, and it is gone.
	resultDeleted
	// resultFailed: the precondition did not hold.
	resultFailed
)

// Values and versions are numbers from 1; 0 is none.

type input struct {
	kind  kind
	value int32
	// The version that If-Match names.
	ifMatch int32
	// If-None-Match: *
	ifAbsent bool
	// Among operations that can stand for each other: its turn, from 1; 0 for any time. See reduce.go.
	turn  int32
	names *names
}

type output struct {
	result  result
	value   int32
	version int32
}

// register is what the key holds: value 0 is no value, version 0 of a value is not yet known.
type register struct {
	value   int32
	version int32
}

type state struct {
	now register
	// Without the unknown writes that were just placed, which the next answer must need.
	before    register
	tentative bool
	over      bool
	// How many have had their turn.
	absences int32
	deletes  int32
}

func newModel() porcupine.Model {
	return porcupine.Model{
		Init:              func() any { return state{} },
		Step:              step,
		Hash:              hashOf,
		DescribeOperation: describeOperation,
		DescribeState:     describeState,
	}
}

func step(before, given, answered any) (bool, any) {
	from, in, out := before.(state), given.(input), answered.(output)
	switch {
	case in.kind == kindEnd:
		return true, state{over: true}
	case from.over:
		return out.result == resultUnknown, from
	case out.result == resultUnknown:
		return stepUnknown(from, in)
	default:
		return stepAnswered(from, in, out)
	}
}

// stepUnknown places a write of unknown outcome before an answer that needs it.
func stepUnknown(from state, in input) (bool, any) {
	next := from
	var happens bool
	if next.now, happens = effect(from.now, in); !happens {
		return false, from
	}
	if in.turn != 0 {
		if in.turn != from.deletes+1 {
			return false, from
		}
		next.deletes = in.turn
	}
	if !from.tentative {
		next.before, next.tentative = from.now, true
		return true, next
	}
	// A second one in a row makes the first one needless, unless it is what lets the second happen.
	_, without := effect(from.before, in)
	return !without, next
}

// effect is what a write does to the register; false if its precondition keeps it from happening.
func effect(from register, in input) (register, bool) {
	if !holds(from, in) {
		return from, false
	}
	if in.kind == kindPut {
		return register{value: in.value, version: in.names.versionOf[in.value]}, true
	}
	return register{}, from.value != 0
}

func holds(from register, in input) bool {
	if in.ifAbsent && from.value != 0 {
		return false
	}
	return in.ifMatch == 0 || in.names.mayBe(from, in.ifMatch)
}

func stepAnswered(from state, in input, out output) (bool, any) {
	now, ok := answer(from.now, in, out)
	if !ok || (in.turn != 0 && in.turn != from.absences+1) {
		return false, from
	}
	if from.tentative {
		without, possible := answer(from.before, in, out)
		if possible && without == now {
			return false, from
		}
	}
	next := state{now: now, absences: from.absences, deletes: from.deletes}
	if in.turn != 0 {
		next.absences = in.turn
	}
	return true, next
}

// answer is the register after an operation with a known answer; false if the register could not
// have given that answer.
func answer(from register, in input, out output) (register, bool) {
	switch out.result {
	case resultValue:
		if from.value != out.value {
			return from, false
		}
		return in.names.observe(from, out.version)
	case resultAbsent:
		return from, from.value == 0 && in.ifMatch == 0
	case resultCreated, resultReplaced:
		created := out.result == resultCreated
		possible := holds(from, in) && created == (from.value == 0)
		return register{value: in.value, version: out.version}, possible
	case resultDeleted:
		return register{}, from.value != 0 && holds(from, in)
	case resultFailed:
		return failed(from, in, out)
	default:
		return from, false
	}
}

// failed: the answer names the version that is there, or none if there is no value.
func failed(from register, in input, out output) (register, bool) {
	if out.version == 0 {
		return from, from.value == 0 && in.ifMatch != 0
	}
	if from.value == 0 || (!in.ifAbsent && out.version == in.ifMatch) {
		return from, false
	}
	return in.names.observe(from, out.version)
}

// hashOf need only be equal for equal states.
func hashOf(of any) uint64 {
	one := of.(state)
	hash := uint64(14695981039346656037)
	for _, number := range []int32{
		one.now.value, one.now.version, one.before.value, one.before.version,
		one.absences, one.deletes,
	} {
		hash = (hash ^ uint64(uint32(number))) * 1099511628211
	}
	if one.tentative {
		hash ^= 1 << 40
	}
	if one.over {
		hash ^= 1 << 41
	}
	return hash
}

func describeOperation(given, answered any) string {
	in, out := given.(input), answered.(output)
	if in.kind == kindEnd {
		return "end"
	}
	return describeInput(in) + " → " + describeOutput(in, out)
}

func describeInput(in input) string {
	text := map[kind]string{kindGet: "get", kindPut: "put", kindDelete: "delete"}[in.kind]
	if in.kind == kindPut {
		text += " " + in.names.value(in.value)
	}
	if in.ifMatch != 0 {
		text += " if " + in.names.version(in.ifMatch)
	}
	if in.ifAbsent {
		text += " if absent"
	}
	return text
}

func describeOutput(in input, out output) string {
	version := in.names.version(out.version)
	switch out.result {
	case resultValue:
		return fmt.Sprintf("%s, version %s", in.names.value(out.value), version)
	case resultAbsent:
		return "absent"
	case resultCreated:
		return "created " + version
	case resultReplaced:
		return "replaced " + version
	case resultDeleted:
		return "deleted"
	case resultFailed:
		return "refused, it is " + version
	default:
		return "unknown"
	}
}

func describeState(of any) string {
	one := of.(state)
	if one.over {
		return "end"
	}
	text := "absent"
	if one.now.value != 0 {
		// A state has no way to the names; the operations beside it show them.
		text = fmt.Sprintf("value #%d, version #%d", one.now.value, one.now.version)
	}
	return text
}
