package scanner

import "strings"

// An interpreter is a program whose own name says little: what it runs is the
// script, module, class or jar among its arguments.
type interpreter uint8

const (
	notInterpreter interpreter = iota
	python
	node
	java
	ruby
	perl
	shell
	php
	busybox
	loader // ld.so started as a program: ld.so(8)
	plain  // any other: the first argument that is no option
)

// interpreterOf tells an interpreter by the base name of the program.
// A version behind the name is passed over: python3.11, ruby3.1, node-20, php-fpm8.2.
func interpreterOf(name string) interpreter {
	if strings.HasPrefix(name, "ld-linux") || strings.HasPrefix(name, "ld-musl") {
		return loader
	}
	name = strings.TrimSuffix(name, ".exe")
	name = strings.TrimRight(name, "0123456789.")
	name = strings.TrimSuffix(name, "-")
	switch name {
	case "python", "pypy", "Python", "pythonw", "micropython":
		return python
	case "node", "nodejs", "bun", "deno":
		return node
	case "java", "javaw":
		return java
	case "ruby", "jruby":
		return ruby
	case "perl":
		return perl
	case "bash", "sh", "dash", "zsh", "ksh", "mksh", "ash", "fish":
		return shell
	case "php", "php-cgi":
		return php
	case "busybox":
		return busybox
	case "lua", "luajit", "tclsh", "wish", "Rscript", "guile", "escript", "gjs", "osascript", "mono", "dotnet", "pwsh":
		return plain
	}
	return notInterpreter
}

// An options table says, of an interpreter, which options take the next
// argument as their value, and which make it run something else than a script:
// the value behind them is a program text, which is not shown.
type options struct {
	value string // options with a value, each between spaces
	text  string // options whose value is a program text: there is no script
	ends  string // options with a value that is what is run: a module
}

func (i interpreter) options() options {
	switch i {
	case python:
		return options{value: " -W -X -Q --check-hash-based-pycs ", text: " -c ", ends: " -m "}
	case node:
		return options{
			value: " -r --require --import --loader --experimental-loader --env-file -C --conditions --title --input-type --icu-data-dir --openssl-config --redirect-warnings --inspect-port ",
			text:  " -e --eval -p --print -pe eval ",
		}
	case ruby:
		return options{value: " -r -I -E -C -F -K -x ", text: " -e "}
	case perl:
		return options{value: " -I -F -x ", text: " -e -E "}
	case shell:
		return options{value: " -o +o -O +O --rcfile --init-file ", text: " -c "}
	case php:
		return options{value: " -d -c -z -S -t ", text: " -r -B -R -E ", ends: " -f -F "}
	case loader:
		return options{value: " --library-path --inhibit-rpath --audit --preload --argv0 --glibc-hwcaps-prepend --glibc-hwcaps-mask "}
	}
	return options{}
}

// scriptOf returns what an interpreter runs, by its arguments (the first is the
// interpreter itself); empty where that is nothing with a name: a shell at a
// prompt, a program text given with -c.
func scriptOf(kind interpreter, args []string) string {
	switch {
	case kind == notInterpreter || len(args) == 0:
		return ""
	case kind == java:
		return javaScript(args[1:])
	case kind == busybox:
		return applet(args)
	}
	o := kind.options()
	args = args[1:]
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			if i+1 < len(args) {
				return args[i+1]
			}
			return ""
		case arg == "-" || arg == "":
			return "" // the standard input
		case kind == node && arg == "run" || kind == node && arg == "start":
			continue // bun run, deno run
		case kind == plain && arg == "exec":
			continue // dotnet exec
		case arg[0] != '-' && (kind != shell || arg[0] != '+'):
			return arg
		case has(o.text, arg):
			return ""
		case has(o.ends, arg):
			if i+1 < len(args) {
				return args[i+1]
			}
			return ""
		case has(o.value, arg):
			i++
		case kind == python:
			// Letters may be joined, and the last take the rest: -um http.server,
			// -Wignore, -mhttp.server.
			if stop, script := pythonLetters(arg, args[i+1:]); stop {
				return script
			}
		case joined(kind, arg):
			return "" // bash -lc, perl -ne, ruby -ne: a program text
		}
	}
	return ""
}

// has reports whether a list with spaces around each word has a word.
func has(list, word string) bool {
	at := strings.Index(list, word)
	for at > 0 {
		if end := at + len(word); list[at-1] == ' ' && end < len(list) && list[end] == ' ' {
			return true
		}
		next := strings.Index(list[at+1:], word)
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return false
}

// joined reports whether letters of one argument ask for a program text.
func joined(kind interpreter, arg string) bool {
	if strings.HasPrefix(arg, "--") {
		return false
	}
	switch kind {
	case shell:
		return strings.Contains(arg, "c")
	case ruby:
		return strings.HasSuffix(arg, "e")
	case perl:
		return !strings.HasPrefix(arg, "-I") && !strings.HasPrefix(arg, "-M") && !strings.HasPrefix(arg, "-m") &&
			!strings.HasPrefix(arg, "-d") && (strings.HasSuffix(arg, "e") || strings.HasSuffix(arg, "E"))
	}
	return false
}

// pythonLetters reads joined options of python(1) and reports whether they end
// the search, and with what.
func pythonLetters(arg string, rest []string) (bool, string) {
	for i := 1; i < len(arg); i++ {
		switch arg[i] {
		case 'c':
			return true, ""
		case 'm':
			if i+1 < len(arg) {
				return true, arg[i+1:]
			}
			if len(rest) > 0 {
				return true, rest[0]
			}
			return true, ""
		case 'W', 'X', 'Q', '-':
			return false, ""
		}
	}
	return false, ""
}

// javaScript finds the jar or the main class: java(1).
func javaScript(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-jar" || arg == "-m" || arg == "--module":
			if i+1 < len(args) {
				return args[i+1]
			}
			return ""
		case strings.HasPrefix(arg, "--module="):
			return arg[len("--module="):]
		case has(" -cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-reads --add-exports --add-opens --limit-modules --patch-module --source --enable-native-access ", arg):
			i++
		case arg == "" || arg[0] == '-' || arg[0] == '@':
			// Another option, or a file of options.
		default:
			return arg
		}
	}
	return ""
}

// applet returns the part that a multi-call program plays.
func applet(args []string) string {
	name := baseName(strings.TrimPrefix(args[0], "-"))
	if name != "busybox" {
		return name
	}
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		return args[1]
	}
	return ""
}
