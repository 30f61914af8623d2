"""The studio: a local page for animating a face by hand.

It is a page of HTML, CSS and JavaScript of our own behind the standard library's HTTP server. What
Gradio would have to offer for it, sliders and an image, is what HTML has by itself; in return it
would bring some forty packages, load fonts from elsewhere, and put a queue between a slider and the
model.
"""
