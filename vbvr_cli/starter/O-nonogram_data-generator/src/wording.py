"""The task in words."""

PROMPTS = (
    "Solve this nonogram of {rows} rows and {columns} columns. The numbers to the left of a row and above "
    "a column are the lengths of its runs of filled cells, in order, with at least one empty cell between "
    "two runs. Fill every cell that belongs to a run with a solid tile and mark each of the remaining "
    "cells with a small cross. Work line by line, lighting up the row or column that you are reasoning "
    "about. The camera does not move, and the grid and the numbers stay where they are. End on the "
    "completed grid.",
    "The picture shows an empty grid of {rows} by {columns} cells with hints along its left and top "
    "edges. Each hint lists how many cells in a row are filled, block after block, from left to right for "
    "rows and from top to bottom for columns; blocks in one line never touch. There is exactly one way to "
    "satisfy all hints. Make a video with a fixed camera in which that solution appears: solid tiles in "
    "the filled cells, small crosses in the empty ones, deduced one row or column at a time, until every "
    "cell is decided.",
    "Show how the hidden picture of this {rows} x {columns} picross puzzle is found. A row's numbers, "
    "read left to right, and a column's numbers, read top to bottom, give the sizes of its groups of "
    "consecutive filled cells; groups are separated by one or more empty cells. Highlight one line at a "
    "time, put solid tiles where cells must be filled and crosses where they must stay empty, and stop "
    "when the grid is complete. Keep the view static and leave the hints unchanged apart from fading "
    "those of finished lines.",
    "Using only the number hints beside the rows and above the columns, decide for each of the {rows} x "
    "{columns} cells whether it is filled. A line with the hint 3 1 has three adjacent filled cells, then "
    "a gap, then a single one, and no others. Animate the reasoning: the line under consideration lights "
    "up, its certain cells receive a solid tile or a small cross, then the next line follows. The camera "
    "is still, and the last frame holds the whole solution.",
    "Complete the grid so that every row and every column agrees with its numbers. The numbers count runs "
    "of neighbouring filled cells in the order in which they occur, and at least one unfilled cell lies "
    "between two runs. No guessing is needed, for some line can always be continued with certainty. In a "
    "static shot, fill in the {rows} rows and {columns} columns step by step with solid tiles, cross out "
    "the cells that remain empty, and finish when all of them are settled.",
    "Here is a logic puzzle: {rows} rows, {columns} columns, and for each of them the lengths of its "
    "filled segments from left to right or from top to bottom, with gaps of at least one cell in between. "
    "Produce a video from a fixed viewpoint that starts with this empty grid and ends with its only "
    "solution, in which filled cells bear a solid tile and empty cells a small cross. Cells appear in an "
    "order in which they can be deduced, while the row or column that decides them is highlighted.",
    "Fill in this nonogram. Left of each row and above each column stand the lengths of its blocks of "
    "filled cells, in order; between two blocks of a line there is at least one empty cell. Go through "
    "the lines one at a time, mark the current one with a bright background, give its certainly filled "
    "cells a solid tile and its certainly empty cells a cross. All {rows} x {columns} cells have to be "
    "settled at the end. Do not move the camera, and do not alter the grid or the numbers.",
    "A picture is hidden in this grid of {rows} rows and {columns} columns; the hints say, for every row "
    "and column, how long its runs of filled cells are and in which order they come, separated by one or "
    "more empty cells. Reveal it by reasoning: highlight a row or column, place a solid tile in each of "
    "its cells that must be filled and a small cross in each that must be empty, and move on until "
    "nothing is left open. Static camera throughout; the final frame shows the full picture.",
)
"""Wordings with places for the number of `rows` and `columns`."""
