// Package cli is what the command lines of the proxy's programs have in common:
// how they are read, and flag values of their kind.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// ExitUsage is a program's exit status when its flags make no sense.
const ExitUsage = 2

// Parse reads the program's command line, all of it flags, into fs, and then
// calls check for what a flag alone does not show. It returns only if everything
// is right: help that was asked for ends the program with status 0, and a mistake
// with status ExitUsage, after one line that says what was expected.
func Parse(fs *flag.FlagSet, check func() error) {
	fs.Init(fs.Name(), flag.ContinueOnError)
	fs.Usage = func() {}         // a mistake's message is not to be lost among all flags
	err := fs.Parse(os.Args[1:]) // prints its own errors
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(fs.Output(), "Flags of %s:\n", fs.Name())
		fs.PrintDefaults()
		os.Exit(0)
	case err != nil:
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: everything is set by flags", fs.Arg(0))
		fmt.Fprintf(fs.Output(), "%s: %v\n", fs.Name(), err)
	default:
		if err = check(); err != nil {
			fmt.Fprintf(fs.Output(), "%s: %v\n", fs.Name(), err)
		}
	}
	if err != nil {
		fmt.Fprintf(fs.Output(), "%s -help lists the flags\n", fs.Name())
		os.Exit(ExitUsage)
	}
}

// Seed settles the seed of a program's random choices: chosen unless that is 0,
// else the environment's CMEM_SEED, else one made of the time.
func Seed(chosen uint64) (uint64, error) {
	if chosen != 0 {
		return chosen, nil
	}
	v := os.Getenv("CMEM_SEED")
	if v == "" {
		return uint64(time.Now().UnixNano()), nil
	}
	seed, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("CMEM_SEED=%q: expected an unsigned integer", v)
	}
	return seed, nil
}

// Size is a number of bytes, written as memcached's -I has it: 8m, 512k, 100.
type Size int

// units are the suffixes of a Size, the largest first.
var units = []struct {
	suffix string
	bytes  int
}{{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}}

// Set parses s.
func (v *Size) Set(s string) error {
	digits, unit := strings.ToLower(s), 1
	for _, u := range units {
		if d, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = d, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 || n > uint64(math.MaxInt/unit) {
		return errors.New("expected a size in bytes above 0, such as 8m, 512k or 1000")
	}
	*v = Size(int(n) * unit)
	return nil
}

// String returns the size as Set takes it, by the largest unit that divides it.
func (v *Size) String() string {
	for _, u := range units {
		if *v > 0 && int(*v)%u.bytes == 0 {
			return strconv.Itoa(int(*v)/u.bytes) + u.suffix
		}
	}
	return strconv.Itoa(int(*v))
}

// Span is a range of durations, both ends included, written as 5ms-20ms, or as
// one duration where both ends are the same.
type Span struct{ Min, Max time.Duration }

// Set parses s.
func (v *Span) Set(s string) error {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	from, err1 := time.ParseDuration(low)
	to, err2 := time.ParseDuration(high)
	if err1 != nil || err2 != nil || from < 0 || to < from {
		return errors.New("expected a duration or a range of them, such as 10ms or 5ms-20ms")
	}
	*v = Span{from, to}
	return nil
}

// String returns the range as Set takes it.
func (v *Span) String() string {
	if v.Min == v.Max {
		return v.Min.String()
	}
	return v.Min.String() + "-" + v.Max.String()
}
