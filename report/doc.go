// Package report writes what was found, for people and for programs, safe from
// the names that the host gives.
//
// [Write] writes a [Report] in one of the [Formats]; [Read] takes a saved one
// back. The formats for people are a table, a wide table, a tree by program and
// Markdown: sockets of which every word is the same are one row of them, and
// what may have been chosen by an attacker is shown as escapes. CSV has a line
// for each socket. JSON, JSON Lines and YAML have every fact.
//
// Nothing here asks the clock, the environment or the terminal: [Options] say
// how wide and in which colours to write, and [ColorFor] is how a command makes
// up its mind about colour.
package report
