"""What people look at: contact sheets, moving pictures, marks of synthetic media."""
