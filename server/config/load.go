package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxIncludeDepth bounds include: Redis 7.0 follows a file that includes
// itself until its stack ends.
const maxIncludeDepth = 16

// Sources of a ParseError that are no files.
const (
	fromStdin       = "standard input"
	fromCommandLine = "command line"
)

// Load reads the arguments after the program name: [FILE] [--directive
// value…]…. A first or last argument "-" reads a configuration from stdin
// before the directives of the command line. The error is a *ParseError.
//
// Relative names of include are relative to the working directory of the
// process, as Load does not change it.
func Load(args []string, stdin io.Reader) (*Config, error) {
	c := New()
	lines := 0
	useStdin := false
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return nil, &ParseError{File: args[0], Reason: systemReason(err)}
		}
		if lines, err = c.readFiles(path, 0); err != nil {
			return nil, err
		}
		c.file = path
		args = args[1:]
	} else if len(args) > 0 && args[0] == "-" {
		useStdin = true
		args = args[1:]
	}
	if n := len(args); n > 0 && args[n-1] == "-" {
		useStdin = true
		args = args[:n-1]
	}
	if useStdin {
		content, err := io.ReadAll(stdin)
		if err != nil {
			return nil, &ParseError{File: fromStdin, Reason: systemReason(err)}
		}
		if err := c.readText(source{name: fromStdin, line: lines + 1}, string(content)); err != nil {
			return nil, err
		}
		lines += strings.Count(string(content), "\n")
	}
	// Redis puts the command line after the file with an empty line between,
	// and counts its lines on from there.
	if err := c.readText(source{name: fromCommandLine, line: lines + 2}, c.commandLine(args)); err != nil {
		return nil, err
	}
	c.warn()
	return c, nil
}

// A source is a text with directives.
type source struct {
	name  string
	line  int // number of its first line
	depth int // files that include it
}

// readFiles reads the file, or the files in order of name when the path is a
// glob. A glob may match nothing. It returns the number of line ends read.
func (c *Config) readFiles(path string, depth int) (int, error) {
	paths := []string{path}
	if strings.ContainsAny(path, "*?[") {
		matches, err := filepath.Glob(path)
		if err != nil {
			return 0, &ParseError{File: path, Reason: systemReason(err)}
		}
		paths = matches
	}
	lines := 0
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return 0, &ParseError{File: path, Reason: systemReason(err)}
		}
		if err := c.readText(source{name: path, line: 1, depth: depth}, string(content)); err != nil {
			return 0, err
		}
		lines += strings.Count(string(content), "\n")
	}
	return lines, nil
}

// readText applies the lines of a text.
func (c *Config) readText(src source, content string) error {
	for n := src.line; content != ""; n++ {
		var line string
		line, content, _ = strings.Cut(content, "\n")
		line = strings.Trim(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		err := c.readLine(src, line)
		if nested := (*ParseError)(nil); errors.As(err, &nested) {
			return err
		}
		if err != nil {
			return &ParseError{File: src.name, Line: n, Text: line, Reason: err.Error()}
		}
	}
	return nil
}

// readLine applies one line that is neither empty nor a comment.
func (c *Config) readLine(src source, line string) error {
	words, ok := splitWords(line)
	if !ok {
		return errQuotes
	}
	if len(words) == 0 {
		return nil
	}
	name, words := strings.ToLower(words[0]), words[1:]
	i, ok := c.byName[name]
	if !ok {
		return c.readModuleConfig(name, words)
	}
	d := &table[i]
	words = spread(d, src, words)
	if !d.kind.multi() && len(words) != 1 {
		return errWords
	}
	value, err := d.kind.parse(input{words: words, old: c.text[i], load: true, fresh: !c.given[i]})
	if err != nil {
		return err
	}
	switch d.kind.(type) {
	case include:
		if src.depth == maxIncludeDepth {
			return errNestedInclude
		}
		_, err := c.readFiles(words[0], src.depth+1)
		return err
	case rows:
		c.appendRow(i, words)
	default:
		c.assign(i, value)
	}
	c.given[i] = true
	c.foreign[i] = c.foreign[i] || src.depth > 0
	return nil
}

// readModuleConfig keeps the setting of a module, whose name has a dot, until
// the module is loaded and can check it.
func (c *Config) readModuleConfig(name string, words []string) error {
	if !strings.Contains(name, ".") {
		return errDirective
	}
	if len(words) == 0 {
		return errModuleConfig
	}
	c.values.ModuleConfigs = append(c.values.ModuleConfigs, append([]string{name}, words...))
	return nil
}

// spread splits a single word that stands for several: --save "100 100". In a
// file, quotes around the words of a directive that may repeat mean one word;
// on the command line the shell has already used them up.
func spread(d *directive, src source, words []string) []string {
	if len(words) != 1 || !d.kind.multi() {
		return words
	}
	if _, repeats := d.kind.(rows); !repeats {
		return strings.Split(words[0], " ")
	}
	if src.name == fromCommandLine {
		if split, ok := splitWords(words[0]); ok && len(split) > 0 {
			return split
		}
	}
	return words
}

// commandLine turns arguments into lines of a file. An argument that begins
// with "--" begins a line, except directly after a lone directive name, whose
// value it then is.
func (c *Config) commandLine(args []string) string {
	var b strings.Builder
	valueDue := false
	for j, arg := range args {
		if !strings.HasPrefix(arg, "--") || valueDue {
			b.WriteString(quote(arg))
			b.WriteByte(' ')
			valueDue = false
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(arg[2:])
		b.WriteByte(' ')
		words, _ := splitWords(arg)
		valueDue = len(words) == 1
		if valueDue && c.bare(words[0][2:]) && (j == len(args)-1 || strings.HasPrefix(args[j+1], "--")) {
			b.WriteString(`""`)
			valueDue = false
		}
	}
	return b.String()
}

// bare reports whether a directive without value on the command line is
// complete.
func (c *Config) bare(name string) bool {
	i, ok := c.lookup(name)
	return ok && table[i].flags&bare != 0
}
