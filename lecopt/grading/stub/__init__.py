"""What stands for lecopt where graded code runs: nothing but an idle `check`."""
