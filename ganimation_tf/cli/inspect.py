"""`ganimation inspect`: is a dataset whole, and what is in it?"""

import argparse
import pathlib

HELP = "Verify a dataset byte by byte, print what is in it and draw a contact sheet."
EXAMPLE = "ganimation inspect dataset"

FOUND_PROBLEMS = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("dataset", type=pathlib.Path, metavar="DATASET", help="Its directory.")
    parser.add_argument(
        "--sheet",
        type=pathlib.Path,
        metavar="PNG",
        help="Where to write the contact sheet of random faces; left out: beside the dataset, "
        "as DATASET-contact-sheet.png.",
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="DIR",
        help="Where to write faces.png, the contact sheet, metrics.json and action_units.json, "
        "the numbers for tables and plots.",
    )


def run(args: argparse.Namespace) -> int:
    """Prints what was found; 0 if the dataset is sound, 1 if there are problems."""
    from ganimation_tf.errors import UserError, require

    require("google_crc32c", "pipeline")
    from ganimation_tf import files
    from ganimation_tf.data import inspection
    from ganimation_tf.faces import images

    inspected = inspection.inspect(args.dataset)
    print(f"dataset    {args.dataset}")
    print(inspected.summary())
    pixels = inspection.sheet(args.dataset, inspected)
    if args.output:
        _write(args.output, inspected, pixels)
    elif pixels is not None:
        dataset = args.dataset.resolve()
        path = args.sheet or dataset.with_name(f"{dataset.name}-contact-sheet.png")
        try:
            files.write_whole(path, images.encode_png(pixels))
            print(f"sheet      {path}")
        except UserError as error:
            if args.sheet:
                raise UserError(f"--sheet {error}") from None
            print(f"sheet      none: {error}; --sheet PNG writes it elsewhere")
    problems = len(inspected.problems)
    print("result     " + (f"{problems} problems" if problems else "sound"))
    return FOUND_PROBLEMS if problems else 0


def _write(directory: pathlib.Path, inspected, pixels) -> None:
    from ganimation_tf import files
    from ganimation_tf.data.statistics import dataset
    from ganimation_tf.errors import as_user_error
    from ganimation_tf.faces import images

    with as_user_error(f"--output {directory}: cannot be made"):
        directory.mkdir(parents=True, exist_ok=True)
    facts = dataset.to_dict(inspected.statistics, inspected.made.action_units, ())
    metrics, action_units = dataset.figures(facts)
    metrics["rejected"] = sum(inspected.made.rejections.values())
    metrics |= {"problems": len(inspected.problems), "warnings": len(inspected.warnings)}
    for name, content in (("metrics.json", metrics), ("action_units.json", action_units)):
        files.write_json(directory / name, content, indent=1)
    if pixels is not None:
        files.write_whole(directory / "faces.png", images.encode_png(pixels))
    print(f"wrote      {directory}")
