package main

import "fmt"

// names numbers the values and versions of one key, and knows which version belongs to which value
// from every answer that shows both: a put's, or a get's.
type names struct {
	values     []string
	versions   []string
	valueIDs   map[string]int32
	versionIDs map[string]int32
	versionOf  map[int32]int32
	ownerOf    map[int32]int32
	// Values whose put happened or may have happened, and those whose put certainly did not.
	written map[int32]bool
	refused map[int32]bool
	// The first contradiction between versions and values.
	contradiction string
}

func newNames() *names {
	return &names{
		values:     []string{"nothing"},
		versions:   []string{"none"},
		valueIDs:   make(map[string]int32),
		versionIDs: make(map[string]int32),
		versionOf:  make(map[int32]int32),
		ownerOf:    make(map[int32]int32),
		written:    make(map[int32]bool),
		refused:    make(map[int32]bool),
	}
}

func (names *names) valueID(text string) int32 {
	id, known := names.valueIDs[text]
	if !known {
		id = int32(len(names.values))
		names.valueIDs[text] = id
		names.values = append(names.values, text)
	}
	return id
}

// versionID of an ETag; 0 for none.
func (names *names) versionID(text string) int32 {
	if text == "" {
		return 0
	}
	id, known := names.versionIDs[text]
	if !known {
		id = int32(len(names.versions))
		names.versionIDs[text] = id
		names.versions = append(names.versions, text)
	}
	return id
}

func (names *names) value(id int32) string   { return names.values[id] }
func (names *names) version(id int32) string { return names.versions[id] }

// belong notes that an answer showed this version with this value. Each value is put once and a
// version names one write, so anything but one to one is a violation.
func (names *names) belong(value, version int32) {
	if other := names.versionOf[value]; other != 0 && other != version {
		names.contradict(fmt.Sprintf("%s was seen with the versions %s and %s",
			names.value(value), names.version(other), names.version(version)))
		return
	}
	if other := names.ownerOf[version]; other != 0 && other != value {
		names.contradict(fmt.Sprintf("version %s was seen with %s and %s",
			names.version(version), names.value(other), names.value(value)))
		return
	}
	names.versionOf[value] = version
	names.ownerOf[version] = value
}

func (names *names) contradict(text string) {
	if names.contradiction == "" {
		names.contradiction = text
	}
}

// mayBe tells whether what the register holds can be this version.
func (names *names) mayBe(held register, version int32) bool {
	if held.value == 0 {
		return false
	}
	if held.version != 0 {
		return held.version == version
	}
	return names.ownerOf[version] == 0
}

// observe fixes the version of what the register holds by an answer that shows it.
func (names *names) observe(held register, version int32) (register, bool) {
	return register{value: held.value, version: version}, names.mayBe(held, version)
}
