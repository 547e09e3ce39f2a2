// Package vsz is the home of the programs that show what cgo costs in virtual memory. README.md says what each shows.
package vsz
