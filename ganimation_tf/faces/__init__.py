"""Where the face is: pictures, landmarks, the crop and the way back into the photo."""
