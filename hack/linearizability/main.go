// Command linearizability says whether a recorded history could have come from one copy of the
// data that does one operation after the other. hack/live records such histories on real rings.
//
// It prints a verdict for each key as JSON. Exit codes: 0 every key is linearizable, 1 some key is
// not, 2 the history cannot be read, 3 no violation, but some key was not decided in time.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	exitOk        = 0
	exitIllegal   = 1
	exitBadInput  = 2
	exitUndecided = 3
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(arguments []string, output, problems io.Writer) int {
	flags := flag.NewFlagSet("linearizability", flag.ContinueOnError)
	flags.SetOutput(problems)
	path := flags.String("history", "", "the history, JSON lines")
	directory := flags.String("pictures", ".", "where the picture of an illegal key goes")
	timeout := flags.Duration("timeout", time.Minute, "time for one key before it is undecided")
	if err := flags.Parse(arguments); err != nil {
		return exitBadInput
	}
	report, err := checkFile(*path, checkOptions{pictures: *directory, timeout: *timeout})
	if err != nil {
		fmt.Fprintf(problems, "error: %v\n", err)
		return exitBadInput
	}
	encoder := json.NewEncoder(output)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(report); err != nil {
		fmt.Fprintf(problems, "error: cannot print the verdict: %v\n", err)
		return exitBadInput
	}
	return exitCodeOf(report)
}

func checkFile(path string, options checkOptions) (report, error) {
	file, err := os.Open(path)
	if err != nil {
		return report{}, err
	}
	defer file.Close()
	recorded, err := readHistory(file)
	if err != nil {
		return report{}, fmt.Errorf("%s: %w", path, err)
	}
	return check(recorded, options)
}

func exitCodeOf(report report) int {
	switch {
	case report.Illegal > 0:
		return exitIllegal
	case report.Undecided > 0:
		return exitUndecided
	default:
		return exitOk
	}
}
