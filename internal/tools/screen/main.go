// Command screen runs a command in a pseudo-terminal and draws what a person
// would see there as a PNG: the pictures of the documents are made by it.
//
//	go run ./screen -width 120 -o ../../docs/screen.png -- whatslistening --exposed
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

func main() {
	width := flag.Int("width", 120, "columns of the terminal")
	out := flag.String("o", "screen.png", "PNG to write")
	title := flag.String("prompt", "", "text of the prompt line; empty means the command")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "screen: no command: screen [flags] -- command [argument ...]")
		os.Exit(2)
	}
	text, err := capture(*width, flag.Args())
	if err == nil {
		if *title == "" {
			*title = strings.Join(flag.Args(), " ")
		}
		err = write(*out, *width, "\x1b[1m$ "+*title+"\x1b[0m\n"+text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "screen:", err)
		os.Exit(1)
	}
}

// capture runs args in a terminal of that width and returns all that it wrote.
func capture(width int, args []string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(width)})
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b bytes.Buffer
	// Reading a pty whose other end has closed ends in EIO, not EOF.
	if _, err := io.Copy(&b, f); err != nil && !errors.Is(err, syscall.EIO) {
		return "", err
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n"), cmd.Wait()
}

// A pen is the state that SGR sequences change (ECMA-48, 8.3.117).
type pen struct {
	fg              color.RGBA
	bold, dim, line bool
}

var (
	paper = color.RGBA{0x16, 0x1b, 0x22, 0xff}
	ink   = color.RGBA{0xd6, 0xdd, 0xe6, 0xff}
	ansi  = [16]color.RGBA{
		{0x48, 0x4f, 0x58, 0xff},
		{0xff, 0x7b, 0x72, 0xff},
		{0x56, 0xd3, 0x64, 0xff},
		{0xe3, 0xb3, 0x41, 0xff},
		{0x6c, 0xb6, 0xff, 0xff},
		{0xd2, 0xa8, 0xff, 0xff},
		{0x56, 0xd4, 0xdd, 0xff},
		{0xd6, 0xdd, 0xe6, 0xff},
		{0x76, 0x83, 0x90, 0xff},
		{0xff, 0xa1, 0x98, 0xff},
		{0x7e, 0xe7, 0x87, 0xff},
		{0xf2, 0xcc, 0x60, 0xff},
		{0x91, 0xcb, 0xff, 0xff},
		{0xe2, 0xc5, 0xff, 0xff},
		{0x76, 0xe3, 0xea, 0xff},
		{0xff, 0xff, 0xff, 0xff},
	}
)

// sgr applies the parameters of one sequence.
func (p *pen) sgr(params string) {
	list := strings.Split(params, ";")
	for i := 0; i < len(list); i++ {
		n, _ := strconv.Atoi(list[i]) // an empty parameter is 0
		switch {
		case n == 38 && i+2 < len(list) && list[i+1] == "5":
			c, _ := strconv.Atoi(list[i+2])
			p.fg = indexed(c)
			i += 2
		case n == 0:
			*p = pen{fg: ink}
		case n == 1:
			p.bold = true
		case n == 2:
			p.dim = true
		case n == 4:
			p.line = true
		case n == 22:
			p.bold, p.dim = false, false
		case n == 24:
			p.line = false
		case n >= 30 && n <= 37:
			p.fg = ansi[n-30]
		case n == 39:
			p.fg = ink
		case n >= 90 && n <= 97:
			p.fg = ansi[n-90+8]
		}
	}
}

// indexed returns a colour of xterm's 256: 16 of the palette, a cube of 6×6×6,
// and 24 greys.
func indexed(n int) color.RGBA {
	switch {
	case n < 16:
		return ansi[n&15]
	case n < 232:
		level := func(i int) uint8 {
			if i == 0 {
				return 0
			}
			return uint8(55 + 40*i)
		}
		n -= 16
		return color.RGBA{level(n / 36), level(n / 6 % 6), level(n % 6), 0xff}
	}
	g := uint8(8 + 10*(n-232))
	return color.RGBA{g, g, g, 0xff}
}

// write draws text, with its SGR sequences, on a grid as wide as the terminal.
func write(path string, width int, text string) error {
	const size, pad = 15, 18
	faces := [2]font.Face{}
	for i, ttf := range [][]byte{gomono.TTF, gomonobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return err
		}
		if faces[i], err = opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return err
		}
	}
	adv, _ := faces[0].GlyphAdvance('m')
	cell, line := adv.Ceil(), size+6
	rows := strings.Split(strings.TrimRight(text, "\n"), "\n")
	img := image.NewRGBA(image.Rect(0, 0, width*cell+2*pad, len(rows)*line+2*pad))
	draw.Draw(img, img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	p := pen{fg: ink}
	for y, row := range rows {
		x := 0
		for row != "" {
			if rest, ok := strings.CutPrefix(row, "\x1b["); ok {
				if i := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' }); i >= 0 {
					if rest[i] == 'm' {
						p.sgr(rest[:i])
					}
					row = rest[i+1:]
					continue
				}
			}
			r := []rune(row)[0]
			row = row[len(string(r)):]
			c, face := p.fg, faces[0]
			if p.bold {
				face = faces[1]
			}
			if p.dim {
				c = color.RGBA{mid(c.R, paper.R), mid(c.G, paper.G), mid(c.B, paper.B), 0xff}
			}
			px, base := pad+x*cell, pad+y*line+size
			d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: face, Dot: fixed.P(px, base)}
			d.DrawString(string(r))
			if p.line {
				draw.Draw(img, image.Rect(px, base+2, px+cell, base+3), image.NewUniform(c), image.Point{}, draw.Src)
			}
			x++
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// mid mixes a colour two to one with the paper: what a terminal shows as dim.
func mid(c, paper uint8) uint8 { return uint8((2*int(c) + int(paper)) / 3) }
