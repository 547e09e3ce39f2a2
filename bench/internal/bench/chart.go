package bench

import (
	"fmt"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Point of a line; both coordinates above 0 where the axis is logarithmic.
type Point struct{ X, Y float64 }

// A Series is a line of a panel. The same name has the same colour in all panels.
type Series struct {
	Name   string
	Points []Point
	Labels []string // of the points, which are drawn as dots then; nil: there is a line only
	Strong bool     // black and thick: whose picture it is
}

// An Axis of a panel.
type Axis struct {
	Label string
	Log   bool
	Bytes bool // numbers with units: 64 B, 1 KiB
}

// A Panel is one of a picture's charts.
type Panel struct {
	Title  string
	X, Y   Axis
	Series []Series
}

const (
	panelWidth  = 4.2 * vg.Inch
	panelHeight = 3.2 * vg.Inch
	legendWidth = 1.9 * vg.Inch
	titleHeight = 0.5 * vg.Inch
	margin      = vg.Length(10)
)

// The colours of lines that are not strong: ten that the colour-blind tell apart best (Okabe and Ito's and their darker
// shades); after those, dashes.
var palette = []color.RGBA{
	{0xd5, 0x5e, 0x00, 255}, {0x00, 0x72, 0xb2, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
	{0xe6, 0x9f, 0x00, 255},
	{0x56, 0xb4, 0xe9, 255}, {0x8c, 0x2d, 0x04, 255}, {0x66, 0x66, 0x66, 255}, {0x5e, 0x3c, 0x99, 255},
	{0x4d, 0x92, 0x21, 255},
}

// WriteSVG draws the panels, so many across, with one legend to the right.
func WriteSVG(file, title string, across int, panels []Panel) error {
	styles, legend := map[string]draw.LineStyle{}, plot.NewLegend()
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(4)
	legend.TextStyle.Font = font.From(plot.DefaultFont, vg.Points(9))
	rows := (len(panels) + across - 1) / across
	svg := vgsvg.New(panelWidth*vg.Length(across)+legendWidth, titleHeight+panelHeight*vg.Length(rows))
	whole := draw.New(svg)
	head := plot.New().Title.TextStyle
	head.Font.Size, head.XAlign, head.YAlign = vg.Points(12), draw.XLeft, draw.YTop
	whole.FillText(head, vg.Point{X: margin, Y: whole.Max.Y - margin}, title)
	for i, panel := range panels {
		p, err := panel.plot(styles, &legend)
		if err != nil {
			return err
		}
		left, top := panelWidth*vg.Length(i%across), titleHeight+panelHeight*vg.Length(i/across)
		p.Draw(draw.Canvas{Canvas: whole.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left + margin, Y: whole.Max.Y - top - panelHeight + margin},
			Max: vg.Point{X: left + panelWidth - margin, Y: whole.Max.Y - top},
		}})
	}
	legend.Draw(draw.Crop(whole, panelWidth*vg.Length(across), 0, 0, -titleHeight))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := svg.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// plot draws the panel's lines; names that have no style yet get one, and a line in the legend.
func (panel *Panel) plot(styles map[string]draw.LineStyle, legend *plot.Legend) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font.Size = panel.Title, vg.Points(10)
	panel.X.dress(&p.X)
	panel.Y.dress(&p.Y)
	p.Add(plotter.NewGrid())
	for _, s := range panel.Series {
		points := make(plotter.XYs, len(s.Points))
		for i, at := range s.Points {
			if panel.X.Log && at.X <= 0 || panel.Y.Log && at.Y <= 0 {
				return nil, fmt.Errorf("panel %q, series %q: point %v: expected coordinates above 0 on a logarithmic axis",
					panel.Title, s.Name, at)
			}
			points[i] = plotter.XY{X: at.X, Y: at.Y}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("panel %q, series %q: %w", panel.Title, s.Name, err)
		}
		style, known := styles[s.Name]
		if !known {
			style = s.style(len(styles))
			styles[s.Name] = style
		}
		line.LineStyle = style
		p.Add(line)
		shown := []plot.Thumbnailer{line}
		if s.Labels != nil {
			dots, err := s.label(p, points, style)
			if err != nil {
				return nil, fmt.Errorf("panel %q, series %q: %w", panel.Title, s.Name, err)
			}
			shown = append(shown, dots)
		}
		if !known {
			legend.Add(s.Name, shown...)
		}
	}
	if !panel.Y.Log {
		p.Y.Min = min(p.Y.Min, 0)
	}
	return p, nil
}

// label draws a dot at each point, and its label to the right.
func (s *Series) label(p *plot.Plot, points plotter.XYs, style draw.LineStyle) (*plotter.Scatter, error) {
	if len(s.Labels) != len(points) {
		return nil, fmt.Errorf("%d labels: expected one for each of the %d points", len(s.Labels), len(points))
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: style.Color, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: s.Labels})
	if err != nil {
		return nil, err
	}
	labels.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(2)}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font.Size, labels.TextStyle[i].Color = vg.Points(7), style.Color
	}
	p.Add(dots, labels)
	return dots, nil
}

func (s *Series) style(i int) draw.LineStyle {
	if s.Strong {
		return draw.LineStyle{Color: color.Black, Width: vg.Points(2.4)}
	}
	style := draw.LineStyle{Color: palette[i%len(palette)], Width: vg.Points(1.2)}
	if i >= len(palette) {
		style.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
	}
	return style
}

func (a *Axis) dress(axis *plot.Axis) {
	axis.Label.Text = a.Label
	axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = vg.Points(9), vg.Points(8)
	if a.Log {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if a.Bytes {
		axis.Tick.Marker = plot.TickerFunc(byteTicks)
	}
}

// byteTicks has a tick at every power of two, and a label at every fourth.
func byteTicks(low, high float64) []plot.Tick {
	var all []plot.Tick
	for e := max(0, int(math.Ceil(math.Log2(max(low, 1))))); math.Exp2(float64(e)) <= high; e++ {
		tick := plot.Tick{Value: math.Exp2(float64(e))}
		if e%4 == 0 {
			tick.Label = SizeName(1 << e)
		}
		all = append(all, tick)
	}
	return all
}
