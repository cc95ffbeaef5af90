package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
)

// reduce leaves out observations that others imply, so that the search has less to order: a node
// that wakes up answers dozens of reads at once, and each would double what is to be searched.
//
// A version is there during one stretch of time, as it names one write. It was there within each
// interval of a set if that stretch begins before the earliest end and ends after the latest begin:
// of all who saw one version, two are enough. Absence has many stretches, but who saw it within an
// interval implies everybody whose interval contains that one.
//
// Those who saw absence are then left with intervals that begin and end in the same order, and may
// as well come in that order: where two come otherwise, they can change places. The same goes for
// unconditional deletes of unknown outcome, which all end at infinity. So they get turns.
func reduce(operations []porcupine.Operation) []porcupine.Operation {
	byVersion := make(map[int32][]int)
	var absences []int
	kept := make([]bool, len(operations))
	for index, one := range operations {
		switch version, sort := observationOf(one); sort {
		case seesVersion:
			byVersion[version] = append(byVersion[version], index)
		case seesAbsence:
			absences = append(absences, index)
		default:
			kept[index] = true
		}
	}
	for _, indexes := range byVersion {
		first, last := tightest(operations, indexes)
		kept[first], kept[last] = true, true
	}
	for _, index := range absences {
		kept[index] = !impliedBySome(operations, index, absences)
	}
	var reduced []porcupine.Operation
	for index, one := range operations {
		if kept[index] {
			reduced = append(reduced, one)
		}
	}
	giveTurns(reduced)
	return reduced
}

func giveTurns(operations []porcupine.Operation) {
	var absences, deletes []int
	for index, one := range operations {
		in, out := one.Input.(input), one.Output.(output)
		if _, sort := observationOf(one); sort == seesAbsence {
			absences = append(absences, index)
		}
		unconditional := in.ifMatch == 0 && !in.ifAbsent
		if in.kind == kindDelete && out.result == resultUnknown && unconditional {
			deletes = append(deletes, index)
		}
	}
	for _, indexes := range [][]int{absences, deletes} {
		slices.SortStableFunc(indexes, func(a, b int) int {
			return cmp.Or(
				cmp.Compare(operations[a].Call, operations[b].Call),
				cmp.Compare(operations[a].Return, operations[b].Return),
			)
		})
		for turn, index := range indexes {
			in := operations[index].Input.(input)
			in.turn = int32(turn + 1)
			operations[index].Input = in
		}
	}
}

type observation uint8

const (
	changes observation = iota
	seesVersion
	seesAbsence
)

// observationOf an operation that changes nothing; those that contradict themselves are kept.
func observationOf(one porcupine.Operation) (int32, observation) {
	in, out := one.Input.(input), one.Output.(output)
	switch out.result {
	case resultValue:
		if in.names.ownerOf[out.version] == out.value {
			return out.version, seesVersion
		}
	case resultFailed:
		if out.version != 0 && (in.ifAbsent || in.ifMatch != out.version) {
			return out.version, seesVersion
		}
		if out.version == 0 && in.ifMatch != 0 {
			return 0, seesAbsence
		}
	case resultAbsent:
		if in.ifMatch == 0 {
			return 0, seesAbsence
		}
	}
	return 0, changes
}

// tightest gives the operation that ends first and the one that begins last.
func tightest(operations []porcupine.Operation, indexes []int) (first, last int) {
	end, begin := int64(math.MaxInt64), int64(math.MinInt64)
	for _, index := range indexes {
		if operations[index].Return < end {
			first, end = index, operations[index].Return
		}
		if operations[index].Call > begin {
			last, begin = index, operations[index].Call
		}
	}
	return first, last
}

func impliedBySome(operations []porcupine.Operation, index int, others []int) bool {
	one := operations[index]
	for _, other := range others {
		inner := operations[other]
		if other == index || inner.Call < one.Call || inner.Return > one.Return {
			continue
		}
		// Of two with the same interval the first one stays.
		if inner.Call != one.Call || inner.Return != one.Return || other < index {
			return true
		}
	}
	return false
}
