"""One module per figure: from observables to plotted numbers to PDF, PNG and SVG."""
