"""The chart and the image on a real node: installed with Helm, upgraded, killed, evicted, removed."""
